/** Where is a PKCS#11 token? Tests make tokens of SoftHSM in a temporary folder, where the machine has it. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import koffi from "koffi";
import { describe } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { laidOut, templateOf } from "../../src/kek/pkcs11/memory.ts";
import { expectOk, withSession } from "../../src/kek/pkcs11/token.ts";
import { CKA, CKM, P384_OID } from "../../src/kek/pkcs11/words.ts";

export const SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so";
export const PIN = "271828";

const isSoftHsmHere = existsSync(SOFTHSM) && spawnSync("softhsm2-util", ["--version"]).status === 0;

/** Tests that need a token; where SoftHSM is not installed they are skipped by name with the reason. */
export function describeWithSoftHsm(name: string, tests: () => void): void {
  if (isSoftHsmHere) describe(name, tests);
  else describe.skip(`${name} (no SoftHSM here: install the package \`softhsm2\`)`, tests);
}

export interface TestTokens {
  /** What a process of its own needs in its environment to see the tokens. */
  readonly env: Readonly<Record<string, string>>;
  /** Where the tokens lie as files. */
  readonly folder: string;
  readonly make: (label: string, pin?: string) => void;
  readonly place: (
    token: string,
    key: string,
  ) => {
    readonly module: string;
    readonly token: string;
    readonly key: string;
    readonly pin: Uint8Array;
  };
  readonly remove: () => void;
}

/** A folder of tokens, which this process sees too. */
export function createTokens(): TestTokens {
  const home = mkdtempSync(join(tmpdir(), "ostiary-tokens-"));
  const folder = join(home, "tokens");
  mkdirSync(folder);
  const conf = join(home, "softhsm2.conf");
  writeFileSync(conf, `directories.tokendir = ${folder}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  process.env["SOFTHSM2_CONF"] = conf;
  const env = { SOFTHSM2_CONF: conf };
  const make = (label: string, pin = PIN): void => {
    const words = ["--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "31415926"];
    const { status, stderr } = spawnSync("softhsm2-util", words, {
      env: { ...process.env, ...env },
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`softhsm2-util ended with ${status}: ${stderr}`);
  };
  const place = (token: string, key: string) => ({ module: SOFTHSM, token, key, pin: utf8(PIN) });
  return { env, folder, make, place, remove: () => rmSync(home, { recursive: true, force: true }) };
}

/** Takes every session of this process away, as a token does that is pulled out and put in again. */
export function pullOut(): void {
  koffi.load(SOFTHSM).func("C_Finalize", "uint64", ["uint64"])(0n);
}

/** Makes a secret key in a token by a mechanism, with just these attributes. */
export async function makeKey(
  place: ReturnType<TestTokens["place"]>,
  mechanism: bigint,
  attributes: Parameters<typeof templateOf>[0],
): Promise<void> {
  await withSession(place, async ({ module, handle }) => {
    const { memory, count } = templateOf(attributes);
    const made = new Uint8Array(new ArrayBuffer(8));
    const how = laidOut([mechanism, 0n, 0n]);
    expectOk("C_GenerateKey", await module("C_GenerateKey", handle, how, memory, count, made));
  });
}

/** Makes a P-384 pair whose halves carry labels of their own. */
export async function makePair(
  place: ReturnType<TestTokens["place"]>,
  publicLabel: string,
  privateLabel: string,
): Promise<void> {
  const known = templateOf([
    [CKA.token, true],
    [CKA.label, utf8(publicLabel)],
    [CKA.ecParams, P384_OID],
  ]);
  const kept = templateOf([
    [CKA.token, true],
    [CKA.private, true],
    [CKA.sensitive, true],
    [CKA.extractable, false],
    [CKA.derive, true],
    [CKA.label, utf8(privateLabel)],
  ]);
  const [one, other] = [new Uint8Array(new ArrayBuffer(8)), new Uint8Array(new ArrayBuffer(8))];
  const how = laidOut([CKM.ecKeyPairGen, 0n, 0n]);
  await withSession(place, async ({ module, handle }) => {
    const words = [known.memory, known.count, kept.memory, kept.count, one, other];
    expectOk("C_GenerateKeyPair", await module("C_GenerateKeyPair", handle, how, ...words));
  });
}
