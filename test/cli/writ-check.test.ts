/** Does each verb of writ tell mistakes where its reader looks: text beside the output, data as the output? */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createWritCommand } from "../../src/cli/commands/writ.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createTerminal } from "../../src/runtime/node/terminal.ts";

const BAD = 'writ 1\npolicy p { for resource "a"\nrequire vmpl = 1\nallow }\n';
const GOOD = 'writ 1\npolicy p { for resource "a"\nallow }\n';
const REQUEST = '{"request.resource":"a","now":"2026-10-01T00:00:00Z"}';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "ostiary-check-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  writeFileSync(join(path, "bad.writ"), BAD);
  writeFileSync(join(path, "good.writ"), GOOD);
  writeFileSync(join(path, "request.json"), REQUEST);
  return path;
}

async function run(...words: readonly string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const terminal = {
    ...createTerminal(),
    out: (text: string) => void out.push(text),
    err: (text: string) => void err.push(text),
  };
  const status = await createWritCommand({ primitives: nodePrimitives, now: () => 1_788_000_000 }).run(
    words,
    terminal,
  );
  return { status, out: out.join(""), err: err.join("") };
}

const VERBS: readonly (readonly [verb: string, words: readonly string[]])[] = [
  ["check", ["bad.writ"]],
  ["fmt", ["bad.writ"]],
  ["test", ["bad.writ"]],
  ["explain", ["request.json", "bad.writ"]],
  ["diff", ["good.writ", "bad.writ"]],
];

describe.each(VERBS)("writ %s", (verb, files) => {
  it("tells a mistake as text on standard error", async () => {
    const at = folder();
    const { status, out, err } = await run(verb, ...files.map((file) => join(at, file)));
    expect({ status, out }).toEqual({ status: 1, out: "" });
    expect(err).toContain("error[E0105]");
  });

  it("tells it as a SARIF log on standard output", async () => {
    const at = folder();
    const { status, out, err } = await run(verb, "--sarif", ...files.map((file) => join(at, file)));
    expect({ status, err }).toEqual({ status: 1, err: "" });
    const { version, runs } = JSON.parse(out);
    expect(version).toBe("2.1.0");
    expect(runs[0].results).toMatchObject([{ ruleId: "E0105", level: "error" }]);
  });

  it("tells it as JSON on standard output", async () => {
    const at = folder();
    const { status, out, err } = await run(verb, "--json", ...files.map((file) => join(at, file)));
    expect({ status, err }).toEqual({ status: 1, err: "" });
    const { diagnostics, files: formatted } = JSON.parse(out);
    expect(diagnostics ?? formatted[0].diagnostics).toMatchObject([
      { code: "E0105", from: { line: 3, column: 14 }, helps: [{ fixes: [[{ text: "vmpl == 1" }]] }] },
    ]);
  });

  it("gives one form of data, not two", async () => {
    const words = files.map((file) => join(folder(), file));
    await expect(run(verb, "--json", "--sarif", ...words)).rejects.toMatchObject({ name: "Misuse" });
  });
});

describe("writ --sarif on sound sources", () => {
  it("is an empty log from check, and from diff one of the changes that widen against their version", async () => {
    const at = folder();
    const { status, out } = await run("check", "--sarif", join(at, "good.writ"));
    expect(status).toBe(0);
    expect(JSON.parse(out).runs[0].results).toEqual([]);
    const of = (version: string, rule: string) =>
      `writ 1\nmodule m version ${version}\npolicy p { for resource "a"\n${rule}allow }\n`;
    writeFileSync(join(at, "old.writ"), of("1.0.0", "require vmpl == 0\n"));
    writeFileSync(join(at, "new.writ"), of("1.1.0", ""));
    const widened = await run("diff", "--sarif", join(at, "old.writ"), join(at, "new.writ"));
    expect(widened.status).toBe(1);
    expect(JSON.parse(widened.out).runs[0].results).toMatchObject([{ ruleId: "E0801" }]);
  });
});
