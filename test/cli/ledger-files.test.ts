/** `ledger export --files`, `verify` of a folder or an address, and `compare`: what an auditor does who trusts no broker. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { LedgerSource } from "../../src/cli/ledger-source.ts";
import { encodeEntry } from "../../src/ledger/entry.ts";
import { verifierKeyOf } from "../../src/ledger/note.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import type { BrokerAtHand } from "../http/broker-at-hand.ts";
import { logOf } from "../ledger/entries.ts";
import { serveFolder } from "../support/served-folder.ts";
import { brokerWithHistory, grow, run, sourceOf } from "./ledger-run.ts";

const folder = await mkdtemp(join(tmpdir(), "ostiary-log-"));
afterAll(() => rm(folder, { recursive: true }));
let count = 0;
const newPlace = (): string => join(folder, String(count++));

describe("ostiary ledger export --files", () => {
  it("writes what verify accepts from the folder and from a web server that knows nothing", async () => {
    const broker = await brokerWithHistory(300);
    const place = newPlace();
    expect((await run(`export --files ${place}`, sourceOf(broker))).status).toBe(0);
    const verified = await run(`verify ${place} --key ${keyOf(broker)} --json`);
    expect(JSON.parse(verified.out)).toMatchObject({ verified: true, size: 300, keyFrom: "argument" });
    const served = await run(`verify ${await serveFolder(place)}/ --key ${keyOf(broker)}`);
    expect(served.out).toContain("verified: 300 entries of broker.example/c/0001");
  });

  it("goes on from what the folder has, at whichever sizes, and asks for no entry twice but those of the last bundle", async () => {
    const broker = await brokerWithHistory(0);
    const place = newPlace();
    const asked: number[] = [];
    const source = sourceOf(broker);
    const counted: LedgerSource = {
      ...source,
      ledgerPage: (from, limit) => {
        asked.push(from);
        return source.ledgerPage(from, limit);
      },
    };
    for (const added of [3, 252, 1, 0, 1, 255, 300]) {
      await grow(broker, added); // in order: it grows
      expect((await run(`export --files ${place}`, counted)).status).toBe(0);
      expect((await run(`verify ${place} --key ${keyOf(broker)}`)).status).toBe(0);
    }
    expect(asked).toEqual([0, 0, 0, 256, 256, 512, 768]);
  });

  it("refuses a folder of another log, of a longer one, and of one that this does not continue", async () => {
    const [broker, other] = [await brokerWithHistory(10), await brokerWithHistory(20, "other")];
    const place = newPlace();
    expect((await run(`export --files ${place}`, sourceOf(other))).status).toBe(0);
    const before = await readFile(join(place, "checkpoint"), "utf8");
    expect((await run(`export --files ${place}`, sourceOf(broker))).status).toBe(1);
    await grow(broker, 30);
    expect((await run(`export --files ${place}`, sourceOf(broker))).status).toBe(1);
    const stranger: LedgerSource = { ...sourceOf(other), spki: newSpki() };
    expect((await run(`export --files ${place}`, stranger)).status).toBe(1);
    expect(await readFile(join(place, "checkpoint"), "utf8")).toBe(before);
  });

  it("leaves no head where the broker's entries are not those under it", async () => {
    const source = sourceOf(await brokerWithHistory(5));
    const lying: LedgerSource = {
      ...source,
      ledgerPage: async (from, limit) => {
        const page = await source.ledgerPage(from, limit);
        return { ...page, entries: page.entries.with(2, encodeEntry(logOf(3)[2] as never)) };
      },
    };
    const place = newPlace();
    expect((await run(`export --files ${place}`, lying)).status).toBe(1);
    expect(await readdir(place)).not.toContain("checkpoint");
  });
});

describe("ostiary ledger verify of files", () => {
  it("names a file that was tampered with, and wants a key", async () => {
    const broker = await brokerWithHistory(300);
    const place = newPlace();
    await run(`export --files ${place}`, sourceOf(broker));
    const bundle = join(place, "tile/entries/001.p/44");
    const bytes = await readFile(bundle, "latin1");
    await writeFile(bundle, bytes.replace("prod/disk-290@1", "prod/disk-291@1"), "latin1");
    const { status, out } = await run(`verify ${place} --key ${keyOf(broker)} --json`);
    expect(status).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ verified: false, place: "entry 290", entry: 290 });
    expect((await run(`verify ${place}`)).status).toBe(2);
  });
});

describe("ostiary ledger verify --receipt", () => {
  it("is a proof of a release, and of no other entry", async () => {
    const broker = await brokerWithHistory(3);
    const { out } = await run("prove 1", sourceOf(broker));
    const proof = { receipt: out };
    expect((await run(`verify receipt --key ${keyOf(broker)} --json`, undefined, proof)).status).toBe(0);
    const refused = await run(`verify --receipt receipt --key ${keyOf(broker)}`, undefined, proof);
    expect([refused.status, refused.detail]).toMatchObject([1, { entry: 1 }]);
    const whole = { receipt: (await run("export", sourceOf(broker))).out };
    expect((await run(`verify --receipt receipt --key ${keyOf(broker)}`, undefined, whole)).status).toBe(3);
    expect(
      (await run(`verify receipt --receipt receipt --key ${keyOf(broker)}`, undefined, proof)).status,
    ).toBe(2);
  });

  it("names who has to have cosigned the head, and takes no other word for it", async () => {
    const broker = await brokerWithHistory(3);
    const proof = { proof: (await run("prove 1", sourceOf(broker))).out };
    const witness = verifierKeyOf({ name: "w", spki: newSpki() }, nodePrimitives.digest, "cosignature");
    const words = `verify proof --key ${keyOf(broker)} --witness ${witness}`;
    expect((await run(words, undefined, proof)).status).toBe(1);
    const whole = { proof: (await run("export", sourceOf(broker))).out };
    expect((await run(words, undefined, whole)).status).toBe(2);
  });
});

describe("ostiary ledger reveal", () => {
  it("tells by the salt, and by the opening alone, which name is whose", async () => {
    const salt = newPlace();
    await writeFile(salt, `${"5a".repeat(32)}\n`);
    const told = await run(`reveal anna --salt ${salt} --json`);
    const { pseudonym, opening } = JSON.parse(told.out);
    const shown = await run(`reveal anna --opening ${opening} --json`);
    expect(JSON.parse(shown.out).pseudonym).toBe(pseudonym);
    expect(JSON.parse((await run(`reveal bert --opening ${opening} --json`)).out).pseudonym).not.toBe(
      pseudonym,
    );
    await writeFile(salt, "short");
    expect((await run(`reveal anna --salt ${salt}`)).status).toBe(3);
    expect((await run("reveal anna")).status).toBe(2);
    expect((await run("reveal anna --opening 00")).status).toBe(2);
  });
});

describe("ostiary ledger compare", () => {
  it("says of a log and its beginning that they are one, however each is kept", async () => {
    const broker = await brokerWithHistory(100);
    const [early, late] = [newPlace(), newPlace()];
    await run(`export --files ${early}`, sourceOf(broker));
    await grow(broker, 200);
    await run(`export --files ${late}`, sourceOf(broker));
    const files = { "log.jsonl": (await run("export", sourceOf(broker))).out };
    for (const pair of [
      `${early} ${late}`,
      `${late} ${early}`,
      `${early} log.jsonl`,
      "log.jsonl log.jsonl",
    ]) {
      const { status, out } = await run(`compare ${pair} --key ${keyOf(broker)}`, undefined, files); // in order: few
      expect(status).toBe(0);
      expect(out).toContain("one log of broker.example/c/0001");
    }
  });

  it("names the first entry that is another, and writes two proofs that contradict each other", async () => {
    const [one, other] = [await brokerWithHistory(300), await brokerWithHistory(280)];
    await grow(other, 50, "other");
    const [first, second, evidence] = [newPlace(), newPlace(), newPlace()];
    await run(`export --files ${first}`, sourceOf(one));
    await run(`export --files ${second}`, sourceOf(other));
    const compared = await run(
      `compare ${first} ${second} --key ${keyOf(one)} --evidence ${evidence} --json`,
    );
    expect(compared.status).toBe(1);
    expect(JSON.parse(compared.out)).toMatchObject({ isOneLog: false, entry: 280, sizes: [300, 330] });
    const seen: unknown[] = [];
    for (const number of [1, 2]) {
      const proof = join(evidence, `fork-280-${number}.tlog-proof`);
      const text = await readFile(proof, "utf8"); // in order: two
      const verified = await run(`verify ${proof} --key ${keyOf(one)} --json`, undefined, { [proof]: text });
      expect(verified.status).toBe(0);
      seen.push(JSON.parse(verified.out).entry.subject);
    }
    expect(seen).toEqual(["prod/disk-280@1", "other/disk-280@1"]);
    const files = { "log.jsonl": (await run("export", sourceOf(other))).out };
    const mixed = await run(`compare ${first} log.jsonl --key ${keyOf(one)}`, undefined, files);
    expect(mixed.status).toBe(1);
    expect(mixed.out).toContain("entry 280 is the first that is another");
  });

  it("wants two copies and a key, and no evidence of an export", async () => {
    expect((await run("compare a --key k")).status).toBe(2);
    expect((await run("compare a b")).status).toBe(2);
    expect((await run("compare a b c --key k")).status).toBe(2);
  });
});

function keyOf({ world }: BrokerAtHand): string {
  return verifierKeyOf(
    { name: "broker.example/c/0001", spki: world.ledgerSigner.spki },
    nodePrimitives.digest,
  );
}

function newSpki(): Uint8Array {
  return createEd25519Signer("other", generateEd25519Pem()).spki;
}
