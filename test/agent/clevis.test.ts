import { spawnSync } from "node:child_process";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { clevisSecretOf, openForClevis, sealForClevis } from "../../src/agent/clevis.ts";
import { utf8 } from "../../src/base/bytes.ts";
import { systemRandom } from "../../src/runtime/node/clock.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { codeOf, codeOfPromise } from "../support/faults.ts";
import { random } from "./demo-broker.ts";

const secret = random(32);
const released = { path: "prod/db1/clevis", version: 3, secret };
const seal = (plaintext: Uint8Array) =>
  sealForClevis(plaintext, released, { primitives: nodePrimitives, random: systemRandom });
const open = (jwe: string, key = secret) => openForClevis(utf8(jwe), key, nodePrimitives);
const hasJose = spawnSync("jose", ["jwk", "gen", "-i", '{"alg":"ES256"}']).status === 0;

describe("a JWE of clevis's pin", () => {
  it("says which version of which secret opens it, and opens by that one alone", async () => {
    const jwe = await seal(utf8("passphrase"));
    expect(clevisSecretOf(utf8(`${jwe}\n`))).toEqual({ path: "prod/db1/clevis", version: 3 });
    expect(await open(jwe)).toEqual(utf8("passphrase"));
    expect(await codeOfPromise(open(jwe, random(32)))).toBe("disk/bad-jwe");
    expect(await seal(utf8("passphrase"))).not.toBe(jwe);
  });

  const all = hasJose ? it : it.skip;
  all(`is one that jose takes${hasJose ? "" : " (skipped: no jose here)"}`, async () => {
    const jwe = await seal(utf8("passphrase"));
    const { status, stdout } = spawnSync("jose", ["jwe", "fmt", "-i-"], { input: jwe, encoding: "utf8" });
    expect([status, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ encrypted_key: "" })]);
  });

  it("is refused with any character changed, cut or of another pin", async () => {
    const jwe = await seal(utf8("passphrase"));
    for (let at = 0; at < jwe.length; at += 1) {
      const other = jwe[at] === "A" ? "B" : "A";
      expect([at, await codeOfPromise(open(jwe.slice(0, at) + other + jwe.slice(at + 1)))]).toEqual([
        at,
        "disk/bad-jwe",
      ]); // in order
    }
    const tang = Buffer.from('{"alg":"dir","enc":"A256GCM","clevis":{"pin":"tang"}}').toString("base64url");
    const [header = "", ...rest] = jwe.split(".");
    for (const bad of [
      "",
      "....",
      header,
      [tang, ...rest].join("."),
      `${jwe}.`,
      [header, "AA", ...rest.slice(1)].join("."),
    ]) {
      expect([bad.length, codeOf(() => clevisSecretOf(utf8(bad)))]).toEqual([bad.length, "disk/bad-jwe"]);
    }
  });

  test.prop([fc.uint8Array({ maxLength: 512 })], { numRuns: 30 })(
    "gives back what was put in",
    async (plaintext) => {
      expect(await open(await seal(plaintext))).toEqual(Uint8Array.from(plaintext));
    },
  );
});
