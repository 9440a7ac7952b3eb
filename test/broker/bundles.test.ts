/** Can a policy become live without an admin's signature? Not by writing rows: each is checked again at load. */
import { describe, expect, it } from "vitest";
import { createBundleCache } from "../../src/broker/bundles.ts";
import { lastActs } from "../../src/broker/last-acts.ts";
import type { Activation, StoredBundle } from "../../src/broker/store.ts";
import { packBundle } from "../../src/policy/bundle.ts";
import { signBundle } from "../../src/policy/signatures.ts";
import { signActivation } from "../../src/policy/statements.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { type GuestBroker, guestBroker, makeLive, POLICY } from "../pipeline/guest-at-hand.ts";

const OPEN_POLICY = POLICY.replace(/^ {2}(require|on release) .*\n/gm, "");

/** The live bundle as a broker would load it whose database was written to. */
async function liveWith(
  broker: GuestBroker,
  rows: { readonly activation?: Partial<Activation>; readonly bundle?: Partial<StoredBundle> },
) {
  const { store, settings, primitives, roster } = broker.world;
  const load = createBundleCache({
    primitives,
    settings,
    roster,
    lastActs: () => lastActs(broker.world),
    store: {
      approvalsOf: store.approvalsOf,
      liveActivation: async () => {
        const live = await store.liveActivation();
        return live === undefined ? undefined : { ...live, ...rows.activation };
      },
      bundle: async (digest) => {
        const stored = await store.bundle(digest);
        return stored === undefined ? undefined : { ...stored, ...rows.bundle };
      },
    },
  });
  return load();
}

describe("the live bundle", () => {
  it("is the one that an admin signed and activated", async () => {
    const broker = await guestBroker();
    const bundle = await liveWith(broker, {});
    expect(bundle?.modules).toEqual([{ name: "acme.test", version: "1.0.0" }]);
  });

  it("is refused when its row holds another archive", async () => {
    const broker = await guestBroker();
    const tar = packBundle([{ path: "test.writ", text: OPEN_POLICY }], undefined, nodePrimitives.digest);
    await expect(liveWith(broker, { bundle: { tar } })).rejects.toMatchObject({
      code: "policy/bad-signature",
    });
  });

  it("is refused when somebody else signed it", async () => {
    const broker = await guestBroker();
    const stranger = createEd25519Signer("admin-1", generateEd25519Pem());
    const tar = packBundle([{ path: "test.writ", text: OPEN_POLICY }], undefined, nodePrimitives.digest);
    const signature = await signBundle(tar, stranger);
    await expect(liveWith(broker, { bundle: { tar, signature } })).rejects.toMatchObject({
      code: "policy/bad-signature",
    });
  });

  it("is refused when it was proposed and signed but the activation is of another", async () => {
    const broker = await guestBroker();
    const live = await broker.world.store.liveActivation();
    const tar = packBundle([{ path: "test.writ", text: OPEN_POLICY }], live?.digest, nodePrimitives.digest);
    const proposed = await broker.admin.proposeBundle({
      tar,
      signature: await signBundle(tar, broker.adminSigner),
    });
    await expect(liveWith(broker, { activation: { digest: proposed.digest } })).rejects.toMatchObject({
      code: "policy/bad-signature",
    });
  });

  it.each([
    ["another serial", { serial: 2, audience: AUDIENCE }],
    ["another broker", { serial: 1, audience: "https://other.example" }],
  ])("is refused when the activation was signed for %s", async (_name, change) => {
    const broker = await guestBroker();
    const digest = (await broker.world.store.liveActivation())?.digest ?? "";
    const signature = await signActivation(
      { digest, at: broker.world.now(), roster: null, ...change },
      broker.adminSigner,
    );
    await expect(liveWith(broker, { activation: { signature } })).rejects.toMatchObject({
      code: "policy/bad-signature",
    });
  });

  it("releases nothing while it cannot be opened", async () => {
    const broker = await guestBroker();
    const { world } = broker;
    await expect(
      createBundleCache({
        ...world,
        store: { ...world.store, bundle: async () => undefined },
        lastActs: () => lastActs(world),
      })(),
    ).rejects.toMatchObject({ code: "policy/unknown" });
  });
});

describe("an activation", () => {
  it("cannot be used again after another one", async () => {
    const broker = await guestBroker({ policy: null });
    const first = await makeLive(broker, POLICY, 1);
    const old = (await broker.world.store.liveActivation())?.signature ?? "";
    await makeLive(broker, POLICY.replace("1.0.0", "1.0.1"), 2);
    await expect(broker.admin.activateBundle(first, old)).rejects.toMatchObject({ code: "policy/not-next" });
  });

  it("of a bundle that does not follow the live one is refused", async () => {
    const broker = await guestBroker();
    const tar = packBundle([{ path: "test.writ", text: OPEN_POLICY }], undefined, nodePrimitives.digest);
    const signature = await signBundle(tar, broker.adminSigner);
    await expect(broker.admin.proposeBundle({ tar, signature })).rejects.toMatchObject({
      code: "policy/not-next",
    });
  });
});
