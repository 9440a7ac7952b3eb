/** Does `writ fmt` write what it should, and nothing else? */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createWritCommand } from "../../src/cli/commands/writ.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createTerminal } from "../../src/runtime/node/terminal.ts";

const UGLY = 'writ   1\npolicy p{for resource "a"\nallow}';
const GOOD = 'writ 1\npolicy p {\n  for resource "a"\n  allow\n}\n';

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-fmt-"));
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
    ["fmt", ...words],
    terminal,
  );
  return { status, out: out.join(""), err: err.join("") };
}

describe("writ fmt", () => {
  it("formats in place, keeps the mode, follows a link, and is content the second time", async () => {
    const folder = folderOf({ "a.writ": UGLY });
    const [file, link] = [join(folder, "a.writ"), join(folder, "link.writ")];
    chmodSync(file, 0o640);
    symlinkSync(file, link);
    expect(await run(link)).toEqual({ status: 0, out: "", err: `${link} was formatted\n` });
    expect(readFileSync(file, "utf8")).toBe(GOOD);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(await run(file)).toEqual({ status: 0, out: "", err: "" });
  });

  it("with --check names what is not formatted and writes nothing", async () => {
    const folder = folderOf({ "a.writ": UGLY, "b.writ": GOOD });
    const files = ["a.writ", "b.writ"].map((name) => join(folder, name));
    expect(await run("--check", ...files)).toMatchObject({
      status: 1,
      err: `${files[0]} is not formatted\n`,
    });
    expect(readFileSync(join(folder, "a.writ"), "utf8")).toBe(UGLY);
    const { out } = await run("--check", "--json", ...files);
    expect(JSON.parse(out)).toEqual({
      files: [
        { file: files[0], outcome: "formatted" },
        { file: files[1], outcome: "same" },
      ],
    });
  });

  it("leaves a file with a syntax error as it is, and says where", async () => {
    const folder = folderOf({ "a.writ": "writ 1\npolicy {" });
    const file = join(folder, "a.writ");
    const { status, err } = await run(file);
    expect(status).toBe(1);
    expect(err).toContain("error[E0101]");
    expect(readFileSync(file, "utf8")).toBe("writ 1\npolicy {");
  });

  it("refuses what is no text, and words that it does not know", async () => {
    const folder = folderOf({});
    writeFileSync(join(folder, "a.writ"), Uint8Array.of(0xff, 0xfe));
    await expect(run(join(folder, "a.writ"))).rejects.toMatchObject({ code: "file/unusable" });
    await expect(run(join(folder, "none.writ"))).rejects.toMatchObject({ code: "file/unusable" });
    await expect(run()).rejects.toMatchObject({ name: "Misuse" });
    await expect(run("--width=80", "a.writ")).rejects.toMatchObject({ name: "Misuse" });
  });
});
