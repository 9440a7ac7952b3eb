/** Which sources does a folder declare, and since when, and what is said where there is none? */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { isFault } from "../../src/base/fault.ts";
import { parseConfig, parseWorkerConfig } from "../../src/runtime/config.ts";
import { declaredOf } from "../../src/runtime/node/declared-policy.ts";

const GOOD = `mode = "production"
audience = "https://broker.example"
[listen]
host = "127.0.0.1"
port = 8443
[files]
kek = "kek.key"
database = "ostiary.db"
signing_key = "signing-key.pem"
ledger_key = "ledger-key.pem"
`;

const declaredIn = (text: string, at = (path: string) => path) =>
  declaredOf({ config: parseConfig(`${GOOD}${text}`), at }).declared;

describe("the declared folder", () => {
  it("is read at each look: its sources without their tests, with what they import, as new as the newest of them", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ostiary-declared-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    mkdirSync(join(folder, "refs"));
    const [older, newer] = [1_790_000_000, 1_790_000_600];
    const write = (name: string, at: number): void => {
      writeFileSync(join(folder, name), `writ 1\nmodule a.${at} version 1.0.0 { owner "a@b.example" }\n`);
      utimesSync(join(folder, name), at, at);
    };
    write("a.writ", older);
    write("a.test.writ", newer + 60);
    write("refs/b.writ", newer);
    const read = declaredIn('[findings]\ndeclared = "policies"\n', () => folder);
    const declared = await read?.();
    expect([...(declared?.files.keys() ?? [])].sort()).toEqual(["a.writ", "refs/b.writ"]);
    expect(declared).toMatchObject({ name: folder, changedAt: newer });
    write("a.writ", newer + 1);
    expect((await read?.())?.changedAt).toBe(newer + 1);
  });

  it("that is not there, or holds no source, cannot be read", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ostiary-declared-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    for (const path of [folder, join(folder, "none")]) {
      const read = declaredIn('[findings]\ndeclared = "policies"\n', () => path);
      const thrown = await read?.().catch((fault: unknown) => fault); // in order: two
      expect(isFault(thrown, "file/unusable")).toBe(true);
    }
  });

  it("is none where nobody names one, and a Worker has none", () => {
    expect(declaredIn("")).toBeUndefined();
    const worker =
      'mode = "production"\naudience = "https://broker.example"\n[findings]\ndeclared = "policies"\n';
    let code: unknown;
    try {
      parseWorkerConfig(worker);
    } catch (thrown) {
      code = isFault(thrown, "config/invalid") && thrown.detail;
    }
    expect(code).toMatchObject({ "findings.declared": expect.stringContaining("no folder") });
  });
});
