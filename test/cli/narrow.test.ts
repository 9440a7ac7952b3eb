/** Does `policy narrow` take away what nobody used and nothing else, prove it, and leave the broker as it was? */
import { describe, expect, it } from "vitest";
import { FAULT_CODES } from "../../src/base/fault-codes.ts";
import { exitStatusOf, type Terminal } from "../../src/cli/command.ts";
import { createPolicyCommand } from "../../src/cli/commands/policy.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { attemptOf, type GuestBroker, guestBroker, makeLive, PATH, post } from "../pipeline/guest-at-hand.ts";

const IMAGE = "02".repeat(48);
const OTHER = "03".repeat(48);
const REVOKED = "04".repeat(48);

const POLICY = `writ 1
module acme.test version 1.0.0 { owner "ops@acme.example" }

refset images of measurement {
  "web 1" = hex"${IMAGE}"
  "web 2" = hex"${OTHER}"
  "web 0" = hex"${REVOKED}"
    state revoked
}

policy disks {
  for resource "prod/**", "lab/**"

  require measurement in images else "not approved"

  allow "boot" when request.op == release
  allow "use" when request.op == unwrap

  on release {
    token_ttl 2m
  }
}

policy archive {
  for resource "archive/**"

  require measurement in images

  allow "read" when request.op == release

  on release {
    token_ttl 2m
  }
}
`;

async function run(broker: GuestBroker, ...words: readonly string[]) {
  let out = "";
  const terminal: Terminal = {
    out: (text) => {
      out += text;
    },
    err: () => undefined,
    isTty: false,
    readFile: async () => new Uint8Array(0),
    writeFile: async () => undefined,
  };
  const open = async () => ({
    client: broker.admin,
    signer: broker.adminSigner,
    audience: AUDIENCE,
    url: AUDIENCE,
    now: broker.world.now,
  });
  const command = createPolicyCommand({ open, digest: nodePrimitives.digest });
  try {
    return { status: await command.run(["narrow", ...words], terminal), out };
  } catch (thrown) {
    return { status: exitStatusOf(thrown, ({ code }) => FAULT_CODES[code].status), out };
  }
}

async function come(broker: GuestBroker, resource = PATH, image?: Uint8Array): Promise<number> {
  const report = image === undefined ? {} : { measurement: image };
  const claims = { want: [{ secret: resource }] };
  return (await post(broker, "/v1/release", (await attemptOf(broker, { claims, report })).body)).status;
}

async function visited(policy = POLICY): Promise<GuestBroker> {
  const broker = await guestBroker({ policy });
  expect(await come(broker)).toBe(200);
  broker.pass(60);
  return broker;
}

const unusedOf = async (broker: GuestBroker, ...words: readonly string[]): Promise<readonly string[]> =>
  JSON.parse((await run(broker, "--json", ...words)).out).unused.map(
    ({ kind, name }: { readonly kind: string; readonly name: string }) => `${kind} ${name}`,
  );

describe("policy narrow", () => {
  it("takes away policies, patterns, allows and reference values that nobody used, and proves that nobody loses", async () => {
    const broker = await visited();
    expect(await unusedOf(broker)).toEqual([
      "policy acme.test/archive",
      "resource acme.test/disks for lab/**",
      'allow acme.test/disks allow "use"',
      'entry images "web 2"',
    ]);
    const { status, out } = await run(broker);
    expect(status).toBe(1);
    expect(out).toContain("narrows what is allowed, by the solver over all requests");
    expect(out).toContain("1 decisions judged again: of 1 items 1 alike, 0 gained, 0 lost");
    for (const line of [
      '-  for resource "prod/**", "lab/**"\n+  for resource "prod/**"\n',
      `-  "web 2" = hex"${OTHER}"\n`,
      '-  allow "use" when request.op == unwrap\n',
      "-policy archive {\n",
    ])
      expect(out).toContain(line);
    expect(out).not.toContain('-  "web 0"');
  });

  it("changes nothing: it proposes where it is told to, and an admin makes that live", async () => {
    const broker = await visited();
    const before = (await broker.admin.listBundles()).live?.digest;
    await run(broker);
    expect((await broker.admin.listBundles()).bundles).toHaveLength(1);
    const { proposed } = JSON.parse((await run(broker, "--propose", "--json")).out);
    const { bundles, live } = await broker.admin.listBundles();
    expect([bundles.length, live?.digest]).toEqual([2, before]);
    const { finding } = await broker.admin.reviewBundle(proposed);
    expect(finding).toBe("narrows");
    const { sources } = await broker.admin.showBundle(proposed);
    await makeLive(broker, sources.find(({ path }) => path === "test.writ")?.text ?? "", 2);
    expect(await come(broker)).toBe(200);
    expect(await unusedOf(broker)).toEqual([]);
    expect(await run(broker)).toMatchObject({ status: 0 });
  });

  it("takes what was used within the window alone for used", async () => {
    const broker = await visited();
    await broker.admin.putSecret("lab/x", { kind: "generated", make: { name: "bytes", size: 32 } });
    expect(await come(broker, "lab/x", new Uint8Array(48).fill(3))).toBe(200);
    expect(await unusedOf(broker)).toEqual(["policy acme.test/archive", 'allow acme.test/disks allow "use"']);
    broker.pass(93 * 86_400);
    expect(await unusedOf(broker)).toContain("policy acme.test/disks");
    expect(await unusedOf(broker, "--since", "2020-01-01")).not.toContain("policy acme.test/disks");
  });

  it("does not take a refusal for a use", async () => {
    const broker = await visited();
    expect(await come(broker, "archive/x", new Uint8Array(48).fill(9))).toBe(403);
    expect(await unusedOf(broker)).toContain("policy acme.test/archive");
  });

  it("does not take another policy's yes for the use of one that refused", async () => {
    const twice = POLICY.replace('"archive/**"', '"archive/**", "prod/**"').replace(
      "require measurement in images\n",
      'require request.channel == kbs else "elsewhere"\n',
    );
    expect(await unusedOf(await visited(twice))).toContain("policy acme.test/archive");
  });

  it("leaves what refuses others, though nobody was let in by it: without it more would be allowed", async () => {
    const guarded = POLICY.replace('allow "read"', 'deny when vmpl == 3 because "no"\n\n  allow "read"')
      .replace('"archive/**"', '"archive/**", "prod/**"')
      .replace("require measurement in images\n", 'require request.channel == kbs else "elsewhere"\n');
    const broker = await visited(guarded);
    const { unused, kept, finding, proven } = JSON.parse((await run(broker, "--json")).out);
    const named = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name);
    expect(named(kept)).toEqual(["acme.test/archive"]);
    expect(named(unused)).toContain("acme.test/disks for lab/**");
    expect([finding, proven]).toEqual(["narrows", true]);
  });

  it("proposes nothing where what was kept of decisions is too little to judge them again", async () => {
    const broker = await visited();
    await come(broker);
    broker.pass(60);
    const [stored] = (await broker.world.store.decisionsFrom(0, 100)).slice(-1);
    const start = stored?.seq ?? 0;
    await broker.world.store.forgetTraces({ start, end: start + 1 });
    const { status, out } = await run(broker, "--propose");
    expect(status).toBe(1);
    expect(out).toContain("NOT PROVEN");
    expect((await broker.admin.listBundles()).bundles).toHaveLength(1);
  });

  it("has nothing to say of a broker without a policy", async () => {
    const broker = await guestBroker({ policy: null });
    expect((await run(broker)).status).not.toBe(0);
  });
});
