/** Does `writ test` end as it should, and never read beside its root? */
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createWritCommand } from "../../src/cli/commands/writ.ts";
import { readBelow } from "../../src/cli/policy-files.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createTerminal } from "../../src/runtime/node/terminal.ts";

const POLICY = 'writ 1\npolicy p {\n  for resource "x"\n  require vmpl == 0\n  allow\n}\n';
const TEST = `writ 1
import "p.writ" { p }
test "good" of p { given ordinary milan { request.resource = "x", now = 2026-01-01 } expect allow }
assert never { vmpl > 0 } allows "**"
`;

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-writ-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

async function run(...words: readonly string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const terminal = {
    ...createTerminal(),
    out: (text: string) => void out.push(text),
    err: (text: string) => void err.push(text),
  };
  const status = await createWritCommand({ primitives: nodePrimitives, now: () => 1_788_000_000 }).run(
    ["test", ...words],
    terminal,
  );
  return { status, out: out.join(""), err: err.join("") };
}

describe("writ test", () => {
  it("ends with 0 when all is good, and with 1 for a gap where coverage is asked for", async () => {
    const folder = folderOf({ "p.writ": POLICY, "p.test.writ": TEST });
    const file = join(folder, "p.test.writ");
    expect(await run(file)).toMatchObject({
      status: 0,
      out: "1 passed, 0 failed; 1 of 1 assertions proved\n",
    });
    const lcov = join(folder, "lcov.info");
    const { status, out } = await run("--coverage", "--lcov", lcov, file);
    expect(status).toBe(1);
    expect(out).toContain("coverage 66 % (2 of 3)\n  never false: require vmpl == 0 (p.writ/p)   p.writ:4\n");
    expect(readFileSync(lcov, "utf8")).toContain("SF:p.writ\n");
  });

  it("ends with 1 for a failing test, an assertion that is refuted, and a source with an error", async () => {
    const folder = folderOf({
      "p.writ": POLICY.replace("require vmpl == 0", "require vmpl <= 1"),
      "p.test.writ": TEST.replace("expect allow", "expect deny"),
      "bad.writ": "writ 1\npolicy",
    });
    const { status, out } = await run(join(folder, "p.test.writ"));
    expect(status).toBe(1);
    expect(out).toContain('FAILED  "good"   p.test.writ:3\n  expected a refusal, and it is released by p');
    expect(out).toContain('REFUTED  assert never { vmpl > 0 } allows "**"   p.test.writ:4\n');
    expect(out).toContain("vmpl 1\n");
    expect(await run(join(folder, "bad.writ"))).toMatchObject({ status: 1, out: "" });
    const { out: json } = await run("--json", join(folder, "p.test.writ"));
    expect(JSON.parse(json)).toMatchObject({
      tests: [{ title: "good", outcome: "failed" }],
      assertions: [{ outcome: "refuted" }],
    });
  });
});

describe("a file that sources name", () => {
  it("is read below the root alone, whatever leads out of it, and up to the size of a source", () => {
    const folder = folderOf({ "secret.writ": "writ 1\n" });
    const root = join(folder, "root");
    mkdirSync(root);
    writeFileSync(join(root, "good.writ"), "writ 1\n");
    symlinkSync(join(folder, "secret.writ"), join(root, "out.writ"));
    symlinkSync(join(root, "good.writ"), join(root, "in.writ"));
    symlinkSync(folder, join(root, "up"));
    writeFileSync(join(root, "large.writ"), "");
    truncateSync(join(root, "large.writ"), (1 << 20) + 1);
    const answers = [
      "good.writ",
      "in.writ",
      "out.writ",
      "up/secret.writ",
      "large.writ",
      "../secret.writ",
      "none",
    ];
    expect(answers.map((path) => readBelow(root, path) !== undefined)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});
