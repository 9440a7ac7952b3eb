/** What a guest keeps of its release: its own, under the log's key, from a broker that may lie; and nothing for whoever only knows the id. */
import { describe, expect, it } from "vitest";
import type { CarriedEvidence } from "../../src/attestation/evidence.ts";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { keepHead } from "../../src/broker/rollback.ts";
import type { Answer } from "../../src/client/bounded-fetch.ts";
import { fetchReceipt } from "../../src/client/receipt.ts";
import { openCosignature } from "../../src/ledger/cosignature.ts";
import { verifyProofFile } from "../../src/ledger/proof-file.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { encodeProblem, problemOf } from "../../src/wire/problem.ts";
import { decodeReleaseRequest } from "../../src/wire/release.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { codeOfPromise } from "../support/faults.ts";
import { attemptOf, type GuestBroker, guestBroker, PATH, post, releaseOf } from "./guest-at-hand.ts";
import { witnessAtHand } from "./witness-at-hand.ts";

const ORIGIN = "broker.example/c/0001";
const PLACE = "https://broker.example";

async function released(broker: GuestBroker) {
  const attempt = await attemptOf(broker);
  const response = await post(broker, "/v1/release", attempt.body);
  const { decision } = await releaseOf(response);
  const { evidence } = decodeReleaseRequest(utf8(attempt.body));
  return { decision, evidence, secrets: [{ secretId: PATH, version: 1, secret: new Uint8Array(0) }] };
}

const wayTo = ({ app }: GuestBroker) => ({
  fetch: async (path: string): Promise<Answer> => app.request(`${PLACE}${path}`),
});
const parts = { primitives: nodePrimitives, sleep: async () => undefined };
const hashOf = (evidence: CarriedEvidence): string =>
  evidence.format === "raw" ? hexOf(nodePrimitives.digest("sha256", evidence.report.slice(0, 672))) : "";

describe("a receipt", () => {
  it("shows that this very release is in the log, by the log's key alone", async () => {
    const broker = await guestBroker();
    await released(broker);
    const fetched = await released(broker);
    await released(broker);
    const text = await fetchReceipt(fetched, wayTo(broker), { audience: AUDIENCE }, parts);
    const key = { name: ORIGIN, spki: broker.world.ledgerSigner.spki };
    const { entry, checkpoint } = await verifyProofFile(text, key, nodePrimitives);
    expect(entry).toMatchObject({ kind: "decision", id: fetched.decision, outcome: "allow" });
    expect(checkpoint.size).toBe(await broker.world.store.ledgerSize());
    expect(
      await fetchReceipt(fetched, wayTo(broker), { audience: AUDIENCE, ledgerKey: key.spki }, parts),
    ).toBe(text);
  });

  it("carries the word of a witness once it has one", async () => {
    const witness = witnessAtHand("one");
    const broker = await guestBroker({ change: () => ({ anchors: [witness.anchor] }) });
    witness.logs.push({ name: ORIGIN, spki: broker.world.ledgerSigner.spki });
    const fetched = await released(broker);
    await keepHead(broker.world);
    const text = await fetchReceipt(fetched, wayTo(broker), { audience: AUDIENCE }, parts);
    const { note } = await verifyProofFile(
      text,
      { name: ORIGIN, spki: broker.world.ledgerSigner.spki },
      nodePrimitives,
    );
    expect(await openCosignature(note, witness.key, nodePrimitives)).toBe(broker.world.now());
  });

  it("is for whoever knows the evidence, not for whoever knows the id", async () => {
    const broker = await guestBroker();
    const [mine, other] = [await released(broker), await released(broker)];
    const statusOf = async (query: string) =>
      (await broker.app.request(`${PLACE}/v1/ledger/receipt?${query}`)).status;
    expect(await statusOf(`decision=${mine.decision}&evidence=${hashOf(mine.evidence)}`)).toBe(200);
    expect(await statusOf(`decision=${mine.decision}&evidence=${hashOf(other.evidence)}`)).toBe(404);
    expect(await statusOf(`decision=01JD0000000000000000000000&evidence=${hashOf(mine.evidence)}`)).toBe(404);
    expect(await statusOf(`decision=${mine.decision}`)).toBe(400);
    expect(await statusOf(`decision=${mine.decision}&evidence=`)).toBe(400);
  });

  it("is refused by the guest where it is another release's, another log's, or of other secrets", async () => {
    const broker = await guestBroker();
    const [mine, other] = [await released(broker), await released(broker)];
    const way = wayTo(broker);
    const swapped = {
      fetch: (path: string) =>
        way.fetch(
          path.includes("receipt")
            ? `/v1/ledger/receipt?decision=${other.decision}&evidence=${hashOf(other.evidence)}`
            : path,
        ),
    };
    const plan = { audience: AUDIENCE };
    const no = "ledger/inconsistent";
    expect(await codeOfPromise(fetchReceipt(mine, swapped, plan, parts))).toBe(no);
    const stranger = createEd25519Signer("x", generateEd25519Pem()).spki;
    expect(await codeOfPromise(fetchReceipt(mine, way, { ...plan, ledgerKey: stranger }, parts))).toBe(no);
    for (const change of [{ version: 2 }, { secretId: "prod/other" }]) {
      const secrets = mine.secrets.map((secret) => ({ ...secret, ...change }));
      expect(await codeOfPromise(fetchReceipt({ ...mine, secrets }, way, plan, parts))).toBe(no); // in order: two
    }
  });

  it("is waited for where the broker cannot make it yet, and not for ever", async () => {
    const broker = await guestBroker();
    const fetched = await released(broker);
    const way = wayTo(broker);
    const laterBy = (left: number) => ({
      fetch: async (path: string): Promise<Answer> => {
        if (!path.includes("receipt") || left === 0) return way.fetch(path);
        left -= 1;
        return new Response(encodeProblem(problemOf("ledger/filling", fetched.decision)), { status: 503 });
      },
    });
    const plan = { audience: AUDIENCE };
    expect(await fetchReceipt(fetched, laterBy(4), plan, parts)).toContain("c2sp.org/tlog-proof@v1\n");
    expect(await codeOfPromise(fetchReceipt(fetched, laterBy(5), plan, parts))).toBe("broker/unreachable");
  });
});
