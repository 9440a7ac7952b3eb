/** Is a session kept so that it comes back as it was, and taken from no other file and not after its end? */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { instant } from "../../src/base/time.ts";
import { encodeSessionFile, parseSessionFile, type SessionFile } from "../../src/cli/session-file.ts";
import { openAdminSession } from "../../src/runtime/node/admin-session.ts";
import { generateEd25519Pem } from "../../src/runtime/node/signers.ts";

const NOW = instant(1_795_449_600);
const FILE: SessionFile = {
  broker: "https://broker.example",
  audience: "https://broker.example/c/0001",
  kid: "ada-sso",
  session: "eyJ2IjoxfQ.AAAA",
  key: generateEd25519Pem(),
  expiresAt: NOW + 1,
};

const codeOf = (work: () => unknown) => {
  try {
    work();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
};

describe("a session in a file", () => {
  it("comes back as it was", () => {
    expect(parseSessionFile(encodeSessionFile(FILE), "f", NOW)).toMatchObject(FILE);
  });

  it("is over at its end", () => {
    const thrown = codeOf(() => parseSessionFile(encodeSessionFile({ ...FILE, expiresAt: NOW }), "f", NOW));
    expect(thrown).toMatchObject({ code: "admin/unauthorized" });
  });

  it.each([
    ["nothing", ""],
    ["no JSON", "session"],
    ["another version", JSON.stringify({ v: 2, ...FILE })],
    ["a member more", JSON.stringify({ v: 1, ...FILE, more: 1 })],
    ["a member less", JSON.stringify({ v: 1, ...FILE, kid: undefined })],
    ["a key that is none", JSON.stringify({ v: 1, ...FILE, key: "-----BEGIN CERTIFICATE-----" })],
  ])("is none with %s", (_name, text) => {
    expect(codeOf(() => parseSessionFile(utf8(text), "f", NOW))).toMatchObject({ code: "file/unusable" });
  });

  it("stands alone on a command line, opens a client, and signs no statement", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ostiary-session-"));
    try {
      const session = join(folder, "s");
      writeFileSync(session, encodeSessionFile({ ...FILE, expiresAt: 9_000_000_000 }));
      const both = openAdminSession({ session, kid: "ada" });
      await expect(both).rejects.toMatchObject({ code: "config/invalid" });
      const { signer, url, audience } = await openAdminSession({ session });
      expect([url, audience]).toEqual([FILE.broker, FILE.audience]);
      await expect(signer.sign(utf8("a bundle"))).rejects.toMatchObject({ code: "login/signs-nothing" });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
