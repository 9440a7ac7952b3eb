/** What would a policy be without what nobody used? Its sources with that cut out, proven to allow nothing more than before. */
import { isFault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { formatSource } from "../writ/formatting/format.ts";
import { parsePattern } from "../writ/patterns.ts";
import { patternText } from "../writ/solver/resources.ts";
import type { SourceTree } from "../writ/syntax/ast.ts";
import { type Bundle, loadBundle, packBundle } from "./bundle.ts";
import { type Gate, gateOf } from "./gate.ts";
import type { Unused } from "./use.ts";

export interface Narrowed {
  /** What is taken away. */
  readonly taken: readonly Unused[];
  /** What stays though nobody used it: without it the sources say more, or nothing at all. */
  readonly kept: readonly Unused[];
  /** The archive, as the bundle after the given one; `undefined` where nothing is taken. */
  readonly tar: Uint8Array | undefined;
  readonly gate: Gate | undefined;
}

/**
 * Takes away as much of what is unused as leaves a policy that allows no more, by the solver over all requests, on no looser terms.
 * Where not all of it can go, it goes piece by piece.
 */
export function narrowed(older: Bundle, unused: readonly Unused[], digest: Primitives["digest"]): Narrowed {
  const all = attempt(older, unused, digest);
  if (all !== undefined) return { taken: unused, kept: [], ...all };
  let best: Attempt | undefined;
  const [taken, kept]: [Unused[], Unused[]] = [[], []];
  for (const one of unused) {
    const next = attempt(older, [...taken, one], digest);
    (next === undefined ? kept : taken).push(one);
    best = next ?? best;
  }
  return { taken, kept, tar: best?.tar, gate: best?.gate };
}

interface Attempt {
  readonly tar: Uint8Array;
  readonly gate: Gate;
}

/** `undefined` where the sources do not compile any more, or the gate does not say that they narrow. */
function attempt(older: Bundle, cut: readonly Unused[], digest: Primitives["digest"]): Attempt | undefined {
  if (cut.length === 0) return undefined;
  const tar = packed(older, cut, digest);
  if (tar === undefined) return undefined;
  const terms = { governance: { groups: [], approvals: 1 }, prefixes: [], digest };
  const gate = gateOf(older, loadBundle(tar, digest), terms);
  return gate.finding === "widens" ? undefined : { tar, gate };
}

function packed(older: Bundle, cut: readonly Unused[], digest: Primitives["digest"]): Uint8Array | undefined {
  const { files, compilation } = older.side;
  const sources = Array.from(files, ([path, content]) => {
    const tree = compilation.trees.find((one) => one.path === path);
    const own = cut.filter(({ file }) => file === path);
    if (tree === undefined || own.length === 0) return { path, text: content };
    const text = withoutThem(tree, own);
    return { path, text: formatSource(path, text).text ?? text };
  });
  try {
    return packBundle(sources, older.digest, digest);
  } catch (thrown) {
    if (isFault(thrown, "policy/malformed")) return undefined;
    throw thrown;
  }
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

type Span = Pick<Edit, "start" | "end">;

/** From the last place on, so that the places before it stay where they are; of two that overlap the outer one counts. */
function withoutThem(tree: SourceTree, cut: readonly Unused[]): string {
  const edits = editsOf(tree, cut).toSorted((a, b) => a.start - b.start || b.end - a.end);
  const outer = edits.filter((edit, at) => !edits.slice(0, at).some(({ end }) => edit.start < end));
  return outer
    .toReversed()
    .reduce(
      (text, { start, end, text: put }) => `${text.slice(0, start)}${put}${text.slice(end)}`,
      tree.text,
    );
}

function editsOf(tree: SourceTree, cut: readonly Unused[]): readonly Edit[] {
  return cut.flatMap((one): readonly Edit[] =>
    one.kind === "resource"
      ? scopeEdits(tree, cut, one.policy.name)
      : [{ ...wholeLines(tree.text, one.origin.span), text: "" }],
  );
}

/** With the lines that would be left empty. */
function wholeLines(text: string, { start, end }: Span): Span {
  const [before = ""] = /[ \t]*$/.exec(text.slice(0, start)) ?? [];
  const [after = ""] = /^[ \t]*(\n|$)/.exec(text.slice(end)) ?? [];
  const isAlone = after !== "" && (start === before.length || text[start - before.length - 1] === "\n");
  return isAlone ? { start: start - before.length, end: end + after.length } : { start, end };
}

/** The lines that say for what a policy is, without the patterns that go. A policy whose patterns all go is not used at all. */
function scopeEdits(tree: SourceTree, cut: readonly Unused[], policy: string): readonly Edit[] {
  const gone = new Set(
    cut.flatMap((one) => (one.kind === "resource" && one.policy.name === policy ? [one.pattern] : [])),
  );
  const own = tree.items.flatMap((item) =>
    item.kind === "policy" && item.name.text === policy ? item.items : [],
  );
  return own.flatMap((line): readonly Edit[] => {
    if (line.kind !== "for") return [];
    const kept = line.patterns.filter(({ value }) => !gone.has(normalOf(value)));
    if (kept.length === line.patterns.length) return [];
    const text =
      kept.length === 0 ? "" : `for resource ${kept.map(({ value }) => JSON.stringify(value)).join(", ")}`;
    return [{ ...line.span, text }];
  });
}

function normalOf(value: string): string {
  const reading = parsePattern(value);
  return reading.kind === "bad" ? value : patternText(reading.pattern);
}
