/** Does `ostiary advisory` sign what it was shown, say who signed it, and turn figures into Writ that a reviewer can follow? */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { createAdvisoryCommand } from "../../src/cli/commands/advisory.ts";
import { signDsse } from "../../src/policy/signatures.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { ADMIN_KID, brokerAtHand } from "../http/broker-at-hand.ts";
import { SHIPPED_FILE } from "../policy/advisory-at-hand.ts";
import { runCommand, sessionOf } from "./command-run.ts";

const DAYS = 86_400 * 10;
const STRANGER = createEd25519Signer("eve", generateEd25519Pem());

function pemOf(spki: Uint8Array): string {
  return `-----BEGIN PUBLIC KEY-----\n${Buffer.from(spki).toString("base64")}\n-----END PUBLIC KEY-----\n`;
}

function atHand() {
  const broker = brokerAtHand();
  broker.pass(DAYS);
  const files = new Map<string, Uint8Array>([
    ["amd.json", Uint8Array.from(readFileSync(SHIPPED_FILE))],
    ["admin.pub.pem", utf8(pemOf(broker.adminSigner.spki))],
    ["eve.pub.pem", utf8(pemOf(STRANGER.spki))],
  ]);
  const open = sessionOf(broker);
  const command = createAdvisoryCommand({ open, primitives: nodePrimitives });
  const run = async (...words: readonly string[]) =>
    runCommand(command, words, {
      readFile: async (path) => files.get(path) ?? new Uint8Array(0),
      writeFile: async (path, bytes) => void files.set(path, bytes),
    });
  return { ...broker, files, run };
}

describe("advisory", () => {
  it("is signed after it was shown, verified by a key alone, and taken by the broker", async () => {
    const { run, files } = atHand();
    const signed = await run("sign", "amd.json", "--to", "signed");
    expect(signed.status).toBe(0);
    expect(signed.err).toContain("AMD-SB-3019  2025-02-03  CVE-2024-56161");
    const verified = await run("verify", "signed", "--public", "admin.pub.pem", "--public", "eve.pub.pem");
    expect(verified.out).toContain(`signed by ${ADMIN_KID}\n`);
    expect((await run("verify", "signed", "--public", "eve.pub.pem")).status).toBe(1);
    expect((await run("import", "signed")).out).toContain(`signed by ${ADMIN_KID}; SHA-256 `);
    expect((await run("show")).out).toContain("advisory 1 of 2026-11-30\n");
    expect(JSON.parse((await run("show", "--json")).out)).toMatchObject({ serial: 1, signedBy: [ADMIN_KID] });
    expect(files.get("amd.json")).toEqual(Uint8Array.from(readFileSync(SHIPPED_FILE)));
  });

  it("keeps the signatures that are there when another is added", async () => {
    const { run, files } = atHand();
    await run("sign", "amd.json", "--to", "signed");
    const { payload, payloadType } = JSON.parse(Buffer.from(files.get("signed") ?? "").toString());
    files.set("by-eve", utf8(await signDsse(payloadType, Buffer.from(payload, "base64url"), STRANGER)));
    await run("sign", "by-eve", "--to", "both");
    const keys = ["--public", "admin.pub.pem", "--public", "eve.pub.pem"];
    expect((await run("verify", "both", ...keys)).out).toContain(`signed by eve, ${ADMIN_KID}\n`);
  });

  it("tells a bulletin in full, with how sure each figure is and what no level says", async () => {
    const { run } = atHand();
    const { out } = await run("show", "AMD-SB-3030", "AMD-SB-3045", "--file", "amd.json");
    expect(out).toContain("milan    microcode 222  reported");
    expect(out).toContain("no level of a component is known\n");
    expect(out).toContain("no level helps");
    const json = JSON.parse((await run("show", "AMD-SB-3030", "--file", "amd.json", "--json")).out);
    expect(json.bulletins).toHaveLength(1);
  });

  it("becomes a floor, of the lines that are asked for, with a word about the lines that it says nothing of", async () => {
    const { run } = atHand();
    const words = ["AMD-SB-3020", "--line", "genoa", "--owner", "a@b.example", "--file", "amd.json"];
    const { out, err } = await run("floor", ...words);
    expect(out).toContain("floor amd_sb_3020 {\n");
    expect(out).toContain("  genoa { bootloader 0, tee 0, snp 27, microcode 86 }\n");
    expect(out).not.toContain("milan {");
    expect(err).toContain("nothing is said of siena");
  });

  it.each([
    [[]],
    [["send", "amd.json"]],
    [["sign", "amd.json"]],
    [["verify", "signed"]],
    [["floor", "--file", "amd.json"]],
    [["floor", "--file", "amd.json", "--owner", "a b"]],
    [["floor", "--file", "amd.json", "--owner", "a@b.example", "--name", "A B"]],
  ])("takes %j for misuse", async (words) => {
    expect((await atHand().run(...words)).status).toBe(2);
  });

  it.each([
    [["show"]],
    [["import", "amd.json"]],
    [["verify", "amd.json", "--public", "admin.pub.pem"]],
    [["show", "AMD-SB-9999", "--file", "amd.json"]],
    [["sign", "nothing", "--to", "signed"]],
  ])("says no to %j", async (words) => {
    expect((await atHand().run(...words)).status).toBe(1);
  });
});
