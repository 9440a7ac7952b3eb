/** Does a witness keep what it saw across restarts and races, and strangers within bounds? */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodeAddCheckpoint } from "../../../src/ledger/add-checkpoint.ts";
import { signCheckpoint } from "../../../src/ledger/checkpoint.ts";
import { openCosignature } from "../../../src/ledger/cosignature.ts";
import { parseVerifierKey } from "../../../src/ledger/note.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../../src/runtime/node/signers.ts";
import { type RunningWitness, startWitness } from "../../../src/runtime/node/witness.ts";
import { codeOfPromise } from "../../support/faults.ts";
import { ReferenceTree } from "../../support/rfc9162.ts";

const ORIGIN = "log.example/1";
const SIGNER = createEd25519Signer("log", generateEd25519Pem());
const TREE = new ReferenceTree(Array.from({ length: 40 }, (_, i) => Uint8Array.of(i)));

let folder: string;
let data: string;
let running: RunningWitness | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "ostiary-witness-"));
  data = join(folder, "witness");
  await start();
});

afterEach(async () => {
  await running?.close();
  rmSync(folder, { recursive: true });
});

describe("a witness", () => {
  it("makes its key and its memory once, and answers with its cosignature", async () => {
    expect(readdirSync(data).sort()).toEqual(["witness-key.pem", "witness.json"]);
    expect(statSync(join(data, "witness-key.pem")).mode & 0o777).toBe(0o600);
    const { note, answer } = await told(0, 3);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/plain; charset=utf-8"]);
    const key = parseVerifierKey(running?.key ?? "", nodePrimitives.digest, "cosignature");
    const at = await openCosignature(note + (await answer.text()), key, nodePrimitives);
    expect(at).toBeGreaterThan(1_700_000_000);
  });

  it("remembers what it saw, under the same key, however it ended", async () => {
    const before = running?.key;
    expect((await told(0, 12)).answer.status).toBe(200);
    expect(JSON.parse(readFileSync(join(data, "witness.json"), "utf8"))).toMatchObject({
      v: 1,
      logs: [{ origin: ORIGIN, size: 12, root: TREE.root(0, 12).toString("base64") }],
    });
    await start(); // over the one that is there: nothing was put in order
    expect(running?.key).toBe(before);
    const { answer } = await told(0, 20);
    expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([
      409,
      "text/x.tlog.size",
      "12\n",
    ]);
    expect((await told(12, 20)).answer.status).toBe(200);
  });

  it("cosigns one of several heads that race, and never a smaller one after a larger one", async () => {
    expect((await told(0, 5)).answer.status).toBe(200);
    const sizes = [9, 20, 13, 31, 6, 40, 7];
    const statuses = await Promise.all(sizes.map(async (size) => (await told(5, size)).answer.status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(sizes.length - 1);
  });

  it("does not start on a memory that is gone, altered, or another's", async () => {
    const memory = join(data, "witness.json");
    const text = readFileSync(memory, "utf8");
    const bad = [
      "",
      "{}",
      text.slice(0, 10),
      text.replace('"v":1', '"v":2'),
      text.replace("w1", "w2"),
      text.replace("[]", '[{"origin":"a","size":-1,"root":""}]'),
    ];
    for (const content of bad) {
      writeFileSync(memory, content);
      expect(await codeOfPromise(start()), content).toBe("file/unusable");
    }
    rmSync(memory);
    expect(await codeOfPromise(start())).toBe("file/unusable");
    expect(existsSync(memory)).toBe(false);
  });

  it("says so where it cannot listen", async () => {
    const { port } = new URL(running?.url ?? "");
    expect(await codeOfPromise(start(Number(port)))).toBe("config/invalid");
  });

  it("cosigns nothing that it could not keep", async () => {
    rmSync(data, { recursive: true });
    expect((await told(0, 5)).answer.status).toBe(500);
    expect((await told(0, 4)).answer.status).toBe(500); // and does not take it for seen
  });

  it("has one path, takes one method, and bodies and requests within bounds", async () => {
    const url = running?.url ?? "";
    expect((await fetch(`${url}/`, { method: "POST", body: "" })).status).toBe(404);
    const read = await fetch(`${url}/add-checkpoint`);
    expect([read.status, read.headers.get("allow")]).toEqual([405, "POST"]);
    expect((await post("x".repeat(65_537))).status).toBe(413);
    expect((await post("x".repeat(65_536))).status).toBe(400);
    const answers = await Promise.all(Array.from({ length: 60 }, () => post("")));
    const late = answers.filter(({ status }) => status === 429);
    expect(late.length).toBeGreaterThan(0);
    expect(late[0]?.headers.get("retry-after")).toBe("1");
  });
});

async function start(port = 0): Promise<void> {
  const logs = [{ name: ORIGIN, spki: SIGNER.spki }];
  const options = { folder: data, name: "witness.example/w1", logs, host: "127.0.0.1", port };
  const next = await startWitness(options, () => undefined);
  await running?.close();
  running = next;
}

async function told(oldSize: number, size: number) {
  const root = TREE.root(0, size);
  const note = await signCheckpoint({ origin: ORIGIN, size, root }, SIGNER, nodePrimitives);
  const proof = oldSize === 0 ? [] : TREE.subproof(oldSize, 0, size);
  return { note, answer: await post(encodeAddCheckpoint({ oldSize, proof, note })) };
}

function post(body: string): Promise<Response> {
  return fetch(`${running?.url}/add-checkpoint`, { method: "POST", body });
}
