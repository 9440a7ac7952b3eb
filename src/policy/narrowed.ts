/** Which narrower sources would have served all who came? What nobody used is cut out of them, where the solver proves that nobody gains. */
import { parseUtf8 } from "../base/bytes.ts";
import { isFault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Instant } from "../base/time.ts";
import type { Span } from "../writ/diagnostics/diagnostic.ts";
import { type Diff, diffPrograms } from "../writ/diff/diff.ts";
import { formatSource } from "../writ/formatting/format.ts";
import { parsePattern } from "../writ/patterns.ts";
import type { Declaration, Pattern, Refset } from "../writ/program.ts";
import type { SourceTree } from "../writ/syntax/ast.ts";
import { type Bundle, loadBundle, packBundle } from "./bundle.ts";
import { clauseKey, type Usage } from "./usage.ts";
import { SNP_VOCABULARY } from "./vocabulary.ts";

/** One thing that nobody used, and where it stands. */
export interface Cut {
  readonly kind: "policy" | "allow" | "pattern" | "entry";
  /** `module/policy`, `module/refset`. */
  readonly of: string;
  /** Its label, its pattern; empty for a policy. */
  readonly what: string;
  readonly file: string;
  readonly span: Span;
}

export interface Kept {
  readonly cut: Cut;
  /** Why it has to stay. */
  readonly why: string;
}

export interface Narrowed {
  /** Files of the bundle by path, the cuts made. */
  readonly files: ReadonlyMap<string, Uint8Array | string>;
  readonly tar: Uint8Array;
  readonly diff: Diff;
  readonly made: readonly Cut[];
  readonly kept: readonly Kept[];
}

/**
 * What of a bundle nobody used. A revoked value is none of it, since it refuses; nor is one that became valid after `since`: its guests
 * are still to come.
 */
export function unusedOf({ program, side }: Bundle, usage: Usage, since: Instant): readonly Cut[] {
  const trees = new Map(side.compilation.trees.map((tree) => [tree.path, tree]));
  const policies = program.declarations.filter(({ kind }) => kind === "policy");
  return [
    ...policies.flatMap((one) => ofPolicy(one, usage, trees.get(one.origin.file))),
    ...program.refsets.flatMap((set) => ofRefset(set, usage, since)),
  ];
}

function ofPolicy(policy: Declaration, usage: Usage, tree: SourceTree | undefined): readonly Cut[] {
  const { name, module, origin, allows } = policy;
  const item = tree?.items.find((one) => one.kind === "policy" && one.name.text === name);
  if (tree === undefined || item === undefined || item.kind !== "policy") return [];
  const common = { of: `${module}/${name}`, file: origin.file };
  if (!usage.policies.has(policy)) {
    return [{ kind: "policy", what: "", ...common, span: item.span }];
  }
  const unusedAllows = allows
    .filter((one) => one.origin.written === undefined && one.origin.file === origin.file)
    .filter(({ text }) => !usage.allows.has(clauseKey(policy, text)))
    .map(
      ({ text, whole }): Cut => ({
        kind: "allow",
        what: text.label ?? text.text,
        ...common,
        span: whole,
      }),
    );
  const used = new Set(policy.patterns.filter((one) => usage.patterns.has(one)).map(patternKey));
  const unusedPatterns = item.items
    .flatMap((one) => (one.kind === "for" ? one.patterns : []))
    .filter(({ value }) => {
      const reading = parsePattern(value);
      return reading.kind === "pattern" && !used.has(patternKey(reading.pattern));
    })
    .map(
      ({ value, span }): Cut => ({
        kind: "pattern",
        what: value,
        ...common,
        span,
      }),
    );
  return [...unusedPatterns, ...unusedAllows];
}

function patternKey({ segments, isOpen }: Pattern): string {
  return JSON.stringify([segments, isOpen]);
}

function ofRefset({ module, name, entries }: Refset, usage: Usage, since: Instant): readonly Cut[] {
  return entries
    .filter((one) => !usage.entries.has(one) && one.state !== "revoked" && (one.valid?.from ?? 0) <= since)
    .map(({ label, origin }) => ({
      kind: "entry",
      of: `${module}/${name}`,
      what: label,
      file: origin.file,
      span: origin.span,
    }));
}

/**
 * Cuts as much as can be cut: what is left has to compile, and must let nobody have what the bundle refuses, nor on easier terms.
 *
 * @returns `undefined` where nothing can be cut.
 */
export function narrowedBundle(
  bundle: Bundle,
  cuts: readonly Cut[],
  digest: Primitives["digest"],
): Narrowed | undefined {
  let best: Omit<Narrowed, "kept"> | undefined;
  const kept: Kept[] = [];
  const cutAll = (some: readonly Cut[]): void => {
    const [only] = some;
    if (only === undefined) return;
    const trial = tried(bundle, [...(best?.made ?? []), ...some], digest);
    if (typeof trial !== "string") best = trial;
    else if (some.length === 1) kept.push({ cut: only, why: trial });
    else for (const half of halves(some)) cutAll(half);
  };
  cutAll(cuts);
  return best && { ...best, kept };
}

function halves<T>(some: readonly T[]): readonly (readonly T[])[] {
  const middle = Math.ceil(some.length / 2);
  return [some.slice(0, middle), some.slice(middle)];
}

/** The bundle without them, or why there is none. */
function tried(
  { digest: previous, program, side }: Bundle,
  made: readonly Cut[],
  digest: Primitives["digest"],
): Omit<Narrowed, "kept"> | string {
  const files = new Map(
    [...side.files]
      .filter(([path]) => path !== "bundle.json")
      .map(([path, bytes]) => [path, cutFile(path, bytes, made)]),
  );
  try {
    const tar = packBundle(
      [...files].map(([path, text]) => ({ path, text })),
      previous,
      digest,
    );
    const diff = diffPrograms({ older: program, newer: loadBundle(tar, digest).program }, SNP_VOCABULARY);
    const isProven = !diff.isWidening && (diff.verdict === "narrows" || diff.verdict === "equivalent");
    return isProven ? { files, tar, diff, made } : "without it somebody might have more";
  } catch (thrown) {
    if (isFault(thrown) && thrown.code === "policy/malformed") return "without it the sources do not compile";
    throw thrown;
  }
}

function cutFile(path: string, whole: Uint8Array | string, made: readonly Cut[]): Uint8Array | string {
  const own = made.filter(({ file }) => file === path).toSorted((a, b) => b.span.start - a.span.start);
  const text = typeof whole === "string" ? whole : parseUtf8(whole);
  if (text === undefined || own.length === 0) return whole;
  const cut = own.reduce((left, one) => {
    const { start, end } = WITH[one.kind](left, one.span); // from the end on: what stands before is where it was
    return left.slice(0, start) + left.slice(end);
  }, text);
  const isFormatted = formatSource(path, text).text === text;
  return (isFormatted ? formatSource(path, cut).text : undefined) ?? cut;
}

// ── what goes with it ───────────────────────────────────────────────────────────────────────────────────────────────

const WITH: Readonly<Record<Cut["kind"], (text: string, span: Span) => Span>> = {
  policy: (text, span) => withComments(text, wholeLines(text, span)),
  allow: wholeLines,
  pattern: withComma,
  entry: wholeLines,
};

/** A line that holds nothing else goes as a whole. */
function wholeLines(text: string, { start, end }: Span): Span {
  const lead = text.slice(0, start).match(/[ \t]*$/)?.[0].length ?? 0;
  const tail = text.slice(end).match(/^[ \t]*(?:\n|$)/)?.[0].length;
  const isAlone = start === lead || text[start - lead - 1] === "\n";
  return isAlone && tail !== undefined ? { start: start - lead, end: end + tail } : { start, end };
}

/** Comments right above a policy are about it. */
function withComments(text: string, { start, end }: Span): Span {
  const above = text.slice(0, start).match(/(?:^|(?<=\n))(?:[ \t]*#[^\n]*\n)+$/);
  return { start: start - (above?.[0].length ?? 0), end };
}

/** Of a list: the comma behind it goes, or the one before the last. */
function withComma(text: string, { start, end }: Span): Span {
  const behind = text.slice(end).match(/^\s*,\s*/);
  if (behind !== null) return { start, end: end + behind[0].length };
  const before = text.slice(0, start).match(/,\s*$/);
  return { start: start - (before?.[0].length ?? 0), end };
}
