/** Can a guest's agent be made to sign bytes of another's choosing, or to leave a private key behind? (A24, A29) */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EvidenceFormat } from "../../src/attestation/evidence.ts";
import type { EvidenceProvider } from "../../src/attestation/provider.ts";
import { utf8 } from "../../src/base/bytes.ts";
import { encodeTranscript } from "../../src/channel/transcript.ts";
import { type Asked, attest } from "../../src/client/attest.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { asGuest, CLI, type DemoBroker, demoBroker, random } from "./demo-broker.ts";

const PATH = "prod/disk";
const SECRET = utf8("nothing but ascii, so that it can be read from a pipe");

let broker: DemoBroker;

beforeAll(async () => {
  broker = await demoBroker({ [PATH]: SECRET });
}, 60_000);

afterAll(() => broker.remove());

/** A chip that writes down what it was asked to sign. */
function watchedChip(format: EvidenceFormat): {
  readonly provider: EvidenceProvider;
  readonly signed: Uint8Array[];
} {
  const signed: Uint8Array[] = [];
  const provider: EvidenceProvider = {
    name: "watched",
    format,
    vmpl: 0,
    attest: async (reportData) => {
      signed.push(reportData.slice());
      return { format: "raw", report: new Uint8Array(1184) };
    },
  };
  return { provider, signed };
}

describe("whoever speaks to the agent (A24)", () => {
  const anyBytes = fc.oneof(
    fc.uint8Array({ minLength: 48, maxLength: 48 }),
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    fc.uint8Array({ minLength: 64, maxLength: 64 }),
    fc.uint8Array({ maxLength: 200 }),
  );

  it.each([
    ["raw", "sha512", "ostiary/attest/v1"],
    ["azure-hcl", "sha256", "ostiary/attest-tpm/v1"],
    ["svsm", "sha512", "ostiary/attest-svsm/v1"],
  ] as const)(
    "chooses no byte that %s signs: it is the %s of a transcript, or nothing is signed",
    async (...form) => {
      const [format, hash, label] = form;
      await fc.assert(
        fc.asyncProperty(anyBytes, anyBytes, anyBytes, fc.string(), fc.boolean(), async (...drawn) => {
          const [nonce, cb, brokerSpki, secret, isDirect] = drawn;
          const { provider, signed } = watchedChip(format);
          const carrier: Asked["carrier"] = isDirect ? { binding: 2, cb, brokerSpki } : { binding: 3 };
          const { audience, signingKey } = broker;
          const parts = { provider, primitives: nodePrimitives, random };
          const asked: Asked = { claims: { want: [{ secret }] }, nonce, carrier };
          const made = await attest(asked, { audience, signingKey, suite: 1 }, parts).catch(() => undefined);
          expect(signed).toHaveLength(made === undefined ? 0 : 1);
          if (made === undefined) return;
          const { fields } = made.transcript;
          expect(fields).toMatchObject({ role: 1, audience });
          const bytes = encodeTranscript(fields, label);
          expect(signed[0]).toEqual(nodePrimitives.digest(hash, bytes));
          expect([nonce, cb, brokerSpki]).not.toContainEqual(signed[0]);
        }),
        { numRuns: 100 },
      );
    },
  );

  it.each(["--report-data", "--nonce", "--transcript", "--binder", "--own-nonce"])(
    "has no option by which to give bytes to sign: %s",
    (option) => {
      const run = agent([option, "00".repeat(64)]);
      expect(run.status).toBe(2);
      expect(run.stdout.length).toBe(0);
    },
  );
});

function agent(words: readonly string[], flags: readonly string[] = []) {
  const whole = [...asGuest(broker), ...words];
  return spawnSync(process.execPath, [...flags, CLI, "agent", "get", PATH, ...whole], { timeout: 60_000 });
}

const ONE_CERTIFICATE = /^-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*$/;

/** Every file of the simulated machine, with its bytes. */
function filesOf(folder: string): Readonly<Record<string, string>> {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
  const files = paths.filter((path) => statSync(path).isFile()).sort();
  return Object.fromEntries(files.map((path) => [path, readFileSync(path, "hex")]));
}

describe("the agent's one-use key (A29)", () => {
  it.each(["hpke-x25519", "hpke-xwing"])("is written to no disk, for nothing is: %s", (wrap) => {
    expect(agent(["--fd", "1"]).status).toBe(0); // the simulated chip is made at its first use
    const before = filesOf(broker.machine);
    // Node's own permission model: no file may be written to but those of the simulated chip, and they are looked at.
    const confined = ["--permission", "--allow-fs-read=*", `--allow-fs-write=${broker.machine}`];
    const elsewhere = `require("fs").writeFileSync(${JSON.stringify(`${broker.machine}-key`)}, "")`;
    const control = spawnSync(process.execPath, [...confined, "-e", elsewhere]);
    expect(String(control.stderr)).toContain("ERR_ACCESS_DENIED");

    const run = agent(["--wrap", wrap, "--fd", "1"], confined);
    expect(run.status, String(run.stderr)).toBe(0);
    expect(new Uint8Array(run.stdout)).toEqual(SECRET);
    const after = filesOf(broker.machine);
    expect(Object.keys(after)).toEqual(Object.keys(before));
    const changed = Object.keys(after).filter((path) => after[path] !== before[path]);
    // The simulator shows its root anew at each start: a certificate, and nothing beside it.
    for (const path of changed) expect(readFileSync(path, "utf8")).toMatch(ONE_CERTIFICATE);
  });
});
