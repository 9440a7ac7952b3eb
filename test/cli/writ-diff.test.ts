/** Does `ostiary writ diff` read sources, folders and bundles, and end as PRODUCT says? */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Fault } from "../../src/base/fault.ts";
import { FAULT_CODES } from "../../src/base/fault-codes.ts";
import { exitStatusOf, type Terminal } from "../../src/cli/command.ts";
import { createWritCommand } from "../../src/cli/commands/writ.ts";
import { packBundle } from "../../src/policy/bundle.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";

const folder = mkdtempSync(join(tmpdir(), "ostiary-diff-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SETS = `refset m of measurement { "x" = hex"${"ab".repeat(48)}" }\n`;
const OLD = `writ 1
module acme.disks version 1.0.0
import "refs/m.writ" { m }
policy p { for resource "a/*" require measurement in m require vmpl == 0 allow }
`;
const WIDER = OLD.replace("vmpl == 0", "vmpl <= 1").replace("1.0.0", "1.1.0");
const NARROWER = OLD.replace("vmpl == 0", "vmpl == 0 require guest.smt").replace("1.0.0", "1.1.0");

function lay(name: string, text: string): string {
  mkdirSync(join(folder, name, "refs"), { recursive: true });
  writeFileSync(join(folder, name, "p.writ"), text);
  writeFileSync(join(folder, name, "refs/m.writ"), `writ 1\n${SETS}`);
  writeFileSync(join(folder, name, "p.test.writ"), "writ 1\nthis is looked at by nobody");
  const sources = [
    { path: "p.writ", text },
    { path: "refs/m.writ", text: `writ 1\n${SETS}` },
  ];
  if (name !== "broken")
    writeFileSync(join(folder, `${name}.tar`), packBundle(sources, undefined, nodePrimitives.digest));
  return name;
}
for (const [name, text] of [
  ["old", OLD],
  ["wider", WIDER],
  ["narrower", NARROWER],
  ["broken", "writ 1\npolicy {"],
] as const) {
  lay(name, text);
}
writeFileSync(join(folder, "cut.tar"), readFileSync(join(folder, "old.tar")).subarray(0, 1024));

async function diff(...words: readonly string[]) {
  const said = { out: "", err: "" };
  const terminal: Terminal = {
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    isTty: false,
    readFile: async (path) => {
      try {
        return Uint8Array.from(readFileSync(join(path)));
      } catch {
        throw new Fault("file/unusable", `no file ${path}`);
      }
    },
    writeFile: async () => {},
  };
  const paths = words.map((word) => (word.startsWith("-") || /^\d/.test(word) ? word : join(folder, word)));
  try {
    const command = createWritCommand({ primitives: nodePrimitives, now: () => 1_788_000_000 });
    return { status: await command.run(["diff", ...paths], terminal), ...said };
  } catch (thrown) {
    return { status: exitStatusOf(thrown, (fault) => FAULT_CODES[fault.code].status), ...said };
  }
}

describe("ostiary writ diff", () => {
  const rows: readonly (readonly [words: string, status: number, begins: string])[] = [
    ["old/p.writ old/p.writ", 0, "EQUIVALENT."],
    ["old/p.writ narrower/p.writ", 0, "NARROWS."],
    ["old/p.writ wider/p.writ", 1, "WIDENS."],
    ["old wider", 1, "WIDENS.  1.1.0 does not imply 1.0.0; 1.0.0 implies 1.1.0."],
    ["old.tar wider.tar", 1, "WIDENS."],
    ["old.tar narrower", 0, "NARROWS."],
    ["old/p.writ broken/p.writ", 1, ""],
    ["old/p.writ", 2, ""],
    ["old old old", 2, ""],
    ["old old --at tomorrow", 2, ""],
    ["old old --at 2026-10-01", 0, "EQUIVALENT."],
    ["old narrower --expiry", 0, "NARROWS."],
    ["old nowhere", 3, ""],
    ["old cut.tar", 3, ""],
  ];
  it.each(rows)("%s ends with %i", async (words, status, begins) => {
    const ended = await diff(...words.split(" "));
    expect([ended.status, ended.out.startsWith(begins), ended.out === ""]).toEqual([
      status,
      true,
      begins === "",
    ]);
  });

  it("tells an unapproved widening as an error of the new source, and a broken source as its diagnostics", async () => {
    expect((await diff("old", "wider")).err).toMatch(/^error\[E0801\][^\n]*\n --> p\.writ:4:\d+\n/);
    expect((await diff("old", "narrower")).err).toBe("");
    expect((await diff("old", "broken")).err).toMatch(/^error\[E0/);
  });

  it("gives as JSON what the text says", async () => {
    const { out } = await diff("old", "wider", "--json");
    expect(JSON.parse(out)).toMatchObject({
      verdict: "widens",
      widening: true,
      newImpliesOld: "no",
      oldImpliesNew: "yes",
      disagreements: 0,
      modules: [{ module: "acme.disks", old: "1.0.0", new: "1.1.0", step: "minor", needsApproval: true }],
      examples: [
        {
          direction: "allowed",
          resource: "a/(any)",
          confirmed: true,
          fields: { vmpl: "1", measurement: 'abababab… ("x")' },
          refusal: { text: "require vmpl == 0", at: "p.writ:4" },
          old: { allowed: false, code: "require-failed" },
          new: { allowed: true, code: null },
        },
      ],
    });
  });

  it("is the same every time, whatever the order of files", async () => {
    const first = await diff("old", "wider", "--full");
    expect(await diff("old", "wider", "--full")).toEqual(first);
    expect(first.out).not.toMatch(/\d ms/);
  });
});
