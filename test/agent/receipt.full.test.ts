/** A guest's whole way with a receipt, as its operator runs it: kept beside the secret, and verified by one command and one key. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeBroker } from "../../src/client/describe.ts";
import { originOf } from "../../src/ledger/checkpoint.ts";
import { verifierKeyOf } from "../../src/ledger/note.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { asGuest, CLI, type DemoBroker, demoBroker } from "./demo-broker.ts";

const PATH = "prod/disk";
const folder = mkdtempSync(join(tmpdir(), "ostiary-receipt-"));
let broker: DemoBroker;
let key: string;

beforeAll(async () => {
  broker = await demoBroker({ [PATH]: new Uint8Array(32).fill(5) });
  const { spki } = (await describeBroker(broker.url, fetch)).ledgerKey;
  key = verifierKeyOf({ name: originOf(broker.audience), spki }, nodePrimitives.digest);
}, 60_000);
afterAll(async () => {
  await broker.remove();
  rmSync(folder, { recursive: true });
});

const ostiary = (...words: readonly string[]) =>
  spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8", timeout: 30_000 });

describe("ostiary agent get --receipt", () => {
  it("keeps what anybody verifies offline", () => {
    const file = join(folder, "receipt");
    const got = ostiary(
      "agent",
      "get",
      PATH,
      "--format",
      "hex",
      "--fd",
      "1",
      "--receipt",
      file,
      "--ledger-key",
      key,
      ...asGuest(broker),
    );
    expect([got.status, got.stdout]).toEqual([0, `${"05".repeat(32)}\n`]);
    const decision = /decision (\w{26})/.exec(got.stderr)?.[1];
    const verified = ostiary("ledger", "verify", "--receipt", file, "--key", key, "--json");
    expect(verified.status).toBe(0);
    expect(JSON.parse(verified.stdout).entry).toMatchObject({
      id: decision,
      outcome: "allow",
      simulated: true,
    });
    writeFileSync(`${file}.forged`, readFileSync(file, "utf8").replace(/^index (\d+)$/m, "index 0"));
    expect(ostiary("ledger", "verify", "--receipt", `${file}.forged`, "--key", key).status).toBe(1);
    expect(ostiary("ledger", "verify", "--receipt", file).status).toBe(2);
    const witness = key.replace(/^[^+]*\+\w+\+.*/, "w+00000000+AAAA");
    expect(ostiary("ledger", "verify", "--receipt", file, "--key", key, "--witness", witness).status).toBe(3);
  });

  it("gives the secret all the same where the receipt is not to be had, and says so", () => {
    const other = verifierKeyOf(
      { name: originOf(broker.audience), spki: createEd25519Signer("x", generateEd25519Pem()).spki },
      nodePrimitives.digest,
    );
    const file = join(folder, "none");
    const got = ostiary(
      "agent",
      "get",
      PATH,
      "--format",
      "hex",
      "--fd",
      "1",
      "--receipt",
      file,
      "--ledger-key",
      other,
      ...asGuest(broker),
    );
    expect([got.status, got.stdout]).toEqual([1, `${"05".repeat(32)}\n`]);
    expect(got.stderr).toContain("ledger/inconsistent");
  });
});
