/** Does every part of a program know the exact stretch of source that says it? */
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { compileSources } from "../../src/writ/compile.ts";
import type { Condition, Origin } from "../../src/writ/program.ts";
import { digest } from "./toy.ts";

const TEXT = `writ 1
refset s of id_block.family_id {
  "a" = hex"${"11".repeat(16)}" version 1.0
}
floor f { milan { bootloader 1 } turin refuse }
template base(least) {
  require tcb.committed at least least else "old"
  on release { token_ttl 1m }
}
policy p "title" {
  for resource "a/*"
  platform aws
  use base(f)
  require id_block.family_id in s and not (guest.debug or host.smt) else "no"
  deny "x" when has silicon because "why"
  allow "y" when vmpl == 0
  on release { audit full }
}
`;

const { program } = compileSources([{ path: "p.writ", text: TEXT }], { vocabulary: SNP_VOCABULARY, digest });
const policy = program?.declarations.find(({ kind }) => kind === "policy");

const said = ({ file, span }: Omit<Origin, "written">): string =>
  file === "p.writ" ? TEXT.slice(span.start, span.end) : file;

function saidBy(condition: Condition | undefined): readonly string[] {
  if (condition === undefined) return [];
  return [said(condition.origin), ...(condition.kind === "atom" ? [] : condition.members.flatMap(saidBy))];
}

describe("a program", () => {
  it("marks a clause up to its condition, and all of it", () => {
    const own = [...(policy?.requires ?? []), ...(policy?.denies ?? []), ...(policy?.allows ?? [])];
    const places = own
      .filter(({ origin }) => origin.written === undefined)
      .map(({ origin, whole }) => [said(origin), said({ file: "p.writ", span: whole })]);
    const require = "require id_block.family_id in s and not (guest.debug or host.smt)";
    expect(places).toEqual([
      [require, `${require} else "no"`],
      ['deny "x" when has silicon', 'deny "x" when has silicon because "why"'],
      ['allow "y" when vmpl == 0', 'allow "y" when vmpl == 0'],
    ]);
  });

  it("marks every condition within a condition", () => {
    const own = policy?.requires.find(({ origin }) => origin.written === undefined);
    expect(saidBy(own?.when)).toEqual([
      "id_block.family_id in s and not (guest.debug or host.smt)",
      "id_block.family_id in s",
      "not (guest.debug or host.smt)",
      "(guest.debug or host.smt)",
      "guest.debug",
      "host.smt",
    ]);
    expect(saidBy(policy?.denies[0]?.when)).toEqual(["has silicon"]);
  });

  it("marks the use of a template, and remembers where its text stands", () => {
    const used = policy?.requires.find(({ text }) => text.from === "template base");
    expect(used && said(used.origin)).toBe("use base(f)");
    expect(used?.origin.written && said(used.origin.written)).toBe("require tcb.committed at least least");
    expect(used?.when?.origin.written && said(used.when.origin.written)).toBe("tcb.committed at least least");
    expect(used?.origin.written?.from).toBe("template base");
  });

  it("marks the name of a platform, whose text is in no file of ours", () => {
    const added = policy?.requires.filter(({ text }) => text.from === "platform aws") ?? [];
    expect(added).toHaveLength(4);
    for (const { origin } of added) {
      expect(said(origin)).toBe("aws");
      expect(origin.written?.file).toBe("platform aws");
    }
  });

  it("marks obligations, entries, rows and the heads of declarations", () => {
    const { refsets = [], floors = [] } = program ?? {};
    expect(refsets.map(({ origin }) => said(origin))).toEqual(["refset s of id_block.family_id"]);
    expect(refsets[0]?.entries.map(({ origin }) => said(origin))).toEqual([
      `"a" = hex"${"11".repeat(16)}" version 1.0`,
    ]);
    expect(floors.map(({ origin }) => said(origin))).toEqual(["floor f"]);
    expect(floors[0]?.rows.map(({ origin }) => said(origin))).toEqual([
      "milan { bootloader 1 }",
      "turin refuse",
    ]);
    expect(policy?.obligations.map(({ origin }) => said(origin.written ?? origin)).sort()).toEqual([
      "audit full",
      "token_ttl 1m",
    ]);
    expect(policy && said(policy.origin)).toMatch(/^policy p[\s\S]*\}$/);
    expect(policy && TEXT.slice(policy.nameSpan.start, policy.nameSpan.end)).toBe("p");
  });
});
