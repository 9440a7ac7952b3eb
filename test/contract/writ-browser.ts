/** What does every build of the language for screens do? The same five things, wherever it runs. */
import { describe, expect, it } from "vitest";
import type { Primitives } from "../../src/base/primitives.ts";
import type * as language from "../../src/writ/browser.ts";
import type { Vocabulary } from "../../src/writ/vocabulary.ts";

export interface BrowserBuild {
  readonly name: string;
  readonly language: typeof language;
  readonly vocabulary: Vocabulary;
  readonly digest: Primitives["digest"];
}

const POLICY = `writ 1

policy disks {
  for resource "prod/disks/*"

  require not guest.debug else "guest memory could be read"
  require vmpl == 0

  allow "unlock" when request.op == release
}
`;
const LOOSER = POLICY.replace(/ {2}require not guest.debug.*\n/, "");

export function describeBrowserBuild({ name, language, vocabulary, digest }: BrowserBuild): void {
  const checked = (text: string) => language.check([{ path: "a.writ", text }], { vocabulary, digest });
  const programOf = (text: string) => {
    const { program, rendered } = checked(text);
    if (program === undefined) throw new Error(rendered);
    return program;
  };
  const facts = (changes: readonly (readonly [string, string | number | boolean])[] = []) =>
    new Map([
      ...(vocabulary.ordinary["genoa"] ?? []),
      ["request.resource", "prod/disks/one"],
      ["now", 1_800_000_000],
      ...changes,
    ] as const);

  describe(`the language in ${name}`, () => {
    it("parses a source without looking at names", () => {
      const { tree, diagnostics } = language.parse("a.writ", POLICY.replace("vmpl", "nothing"));
      expect(tree.items.map(({ kind }) => kind)).toEqual(["policy"]);
      expect(diagnostics).toEqual([]);
      expect(language.parse("a.writ", "writ 1\npolicy {").diagnostics.length).toBeGreaterThan(0);
    });

    it("checks a source and shows where it is wrong", () => {
      expect(checked(POLICY).rendered).toBe("");
      const { program, diagnostics, rendered } = checked(POLICY.replace("vmpl", "vmpll"));
      expect(program).toBeUndefined();
      expect(diagnostics.map(({ code }) => code)).toEqual(["E0301"]);
      expect(rendered).toContain("--> a.writ:7:11");
    });

    it("formats a source, and leaves alone one that is formatted", () => {
      expect(language.format("a.writ", POLICY.replaceAll("\n  ", "\n")).text).toBe(POLICY);
      expect(language.format("a.writ", POLICY).text).toBe(POLICY);
    });

    it("decides a request and says why", () => {
      const program = programOf(POLICY);
      expect(language.evaluate(program, facts()).decision.isAllowed).toBe(true);
      const { decision, explained } = language.evaluate(program, facts([["guest.debug", true]]));
      expect(decision).toMatchObject({ isAllowed: false, sentence: "guest memory could be read" });
      expect(explained).toContain("FAILS: 1 of 2 requires");
    });

    it("shows what a change lets in", async () => {
      const sides = { older: programOf(POLICY), newer: programOf(LOOSER) };
      const { diff, text } = await language.diff(sides, vocabulary);
      expect(diff).toMatchObject({ verdict: "widens", isWidening: true, disagreements: 0 });
      expect(text).toContain("guest.debug true");
      expect(text.split("\n")[0]).toBe("WIDENS.  new does not imply old; old implies new.");
      const back = await language.diff({ older: sides.newer, newer: sides.older }, vocabulary);
      expect(back.diff.verdict).toBe("narrows");
    });
  });
}
