/** Which request does `writ explain` explain? A test's by its name, and else what a file tells. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createWritCommand } from "../../src/cli/commands/writ.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createTerminal } from "../../src/runtime/node/terminal.ts";

const SOURCE = `writ 1
policy p {
  for resource "x"
  require vmpl == 0
  allow
}
guard g {
  for resource "x"
  deny when guest.debug
}
test "good" of p { given ordinary milan { request.resource = "x", now = 2026-01-01 } expect allow }
test "other ring" of p { given like "good" { vmpl = 1 } expect deny }
test "debug, without the guard" of p { given like "good" { guest.debug = true } expect allow }
test "cannot be" of p { given like "good" { report.chip_id = absent } expect deny }
`;

async function explain(request: string, ...options: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-explain-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ["a.writ", "b.writ"]) writeFileSync(join(folder, name), SOURCE);
  writeFileSync(
    join(folder, "facts.json"),
    '{ "request.resource": "x", "now": "2026-01-01", "vmpl": 0, "guest.debug": true }',
  );
  const out: string[] = [];
  const terminal = { ...createTerminal(), out: (text: string) => void out.push(text) };
  const { run } = createWritCommand({ primitives: nodePrimitives, now: () => 1_788_000_000 });
  const inFolder = (word: string): string => (/\.(?:writ|json)$/.test(word) ? join(folder, word) : word);
  const words = [request, "a.writ", ...options].map(inFolder);
  const status = await run(["explain", ...words], terminal);
  return { status, out: out.join("") };
}

describe("writ explain with the name of a test", () => {
  it("tells the trace of that test's request, with what it is like", async () => {
    expect(await explain("good")).toMatchObject({ status: 0, out: expect.stringMatching(/^ALLOWED {2}x\n/) });
    const { status, out } = await explain("other ring");
    expect(status).toBe(1);
    expect(out).toContain("REFUSED (require-failed)  x\n");
    expect(out).toContain("vmpl: wanted == 0, got 1");
  });

  it("judges it by what the test loads, and a file's request by everything", async () => {
    expect(await explain("debug, without the guard")).toMatchObject({ status: 0 });
    const { status, out } = await explain("facts.json");
    expect(status).toBe(1);
    expect(out).toContain("REFUSED (denied)  x\n");
  });

  it("sets facts over it", async () => {
    expect(await explain("good", "--set", "vmpl=2")).toMatchObject({ status: 1 });
  });

  it("refuses a test whose request cannot be, and a name that two tests have", async () => {
    await expect(explain("cannot be")).rejects.toMatchObject({ code: "request/malformed" });
    await expect(explain("good", "b.writ")).rejects.toMatchObject({ name: "Misuse" });
  });
});
