/** `ostiary writ diff`: what a change of policy lets in and shuts out, over all requests. */
import { canonicalJson } from "../../base/canonical-json.ts";
import { SNP_VOCABULARY } from "../../policy/vocabulary.ts";
import { type DiffPair, type DiffSide, moduleChanges } from "../../writ/diff/attribution.ts";
import { type Diff, diffPrograms } from "../../writ/diff/diff.ts";
import { type Expiries, expiriesOf } from "../../writ/diff/expiry.ts";
import { wideningErrors } from "../../writ/diff/gate.ts";
import { diffJson, expiriesJson } from "../../writ/diff/json.ts";
import { renderDiff, renderExpiries, type SideNames } from "../../writ/diff/render.ts";
import type { ModuleChange } from "../../writ/diff/versions.ts";
import { parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse } from "../command.ts";
import { type Telling, tellDiagnostics, tellingOf } from "./compile-files.ts";
import { momentOf } from "./moment.ts";
import { sideOf } from "./side.ts";
import type { WritEdges, WritVerb } from "./verb.ts";

export const DIFF: WritVerb = {
  name: "diff",
  synopsis: ["diff OLD NEW", "what a change lets in and shuts out; each a file, a folder or a bundle"],
  options: [
    ["--at DATE", "diff: at that moment, not over all times"],
    ["--expiry", "diff: also what changes when windows of NEW close"],
    ["--full", "diff: both traces of each example"],
  ],
  run: diff,
};

const OPTIONS = {
  at: { type: "string" },
  expiry: { type: "boolean" },
  full: { type: "boolean" },
  root: { type: "string" },
  json: { type: "boolean" },
  sarif: { type: "boolean" },
} as const;

async function diff(args: readonly string[], edges: WritEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const telling = tellingOf(values);
  const [first, second] = positionals;
  if (first === undefined || second === undefined || positionals.length > 2) {
    throw new Misuse("expected OLD and NEW after `diff`");
  }
  const at = values.at === undefined ? undefined : momentOf(values.at);
  const pair = pairOf(await sideOf(first, values.root, edges), await sideOf(second, values.root, edges));
  if ("broken" in pair) {
    tellBroken(pair.broken, edges, telling);
    return 1;
  }
  const options = at === undefined ? {} : { at };
  const sides = { older: pair.older.program, newer: pair.newer.program };
  const found = diffPrograms(sides, SNP_VOCABULARY, options);
  const { digest } = edges.primitives;
  const changes = moduleChanges(pair, found, { vocabulary: SNP_VOCABULARY, digest, ...options });
  const expiries = values.expiry === true ? expiriesOf(sides.newer, SNP_VOCABULARY, options) : undefined;
  const errors = wideningErrors(pair, found, changes);
  const { sources } = pair.newer.compilation;
  tellDiagnostics({ diagnostics: errors, sources }, edges.terminal, telling === "json" ? "text" : telling);
  if (telling === "sarif") return found.isWidening ? 1 : 0;
  const told = { pair, found, changes, expiries };
  edges.terminal.out(values.json === true ? jsonText(told) : plainText(told, values.full === true));
  return found.isWidening ? 1 : 0;
}

interface Told {
  readonly pair: DiffPair;
  readonly found: Diff;
  readonly changes: readonly ModuleChange[];
  readonly expiries: Expiries | undefined;
}

function jsonText({ found, changes, expiries }: Told): string {
  const expiry = expiries === undefined ? {} : { expiry: expiriesJson(expiries) };
  return `${canonicalJson({ ...diffJson(found, changes), ...expiry })}\n`;
}

function plainText({ pair, found, changes, expiries }: Told, isFull: boolean): string {
  const text = renderDiff(found, { names: namesOf(pair), changes, isFull });
  return expiries === undefined ? text : `${text}\n${renderExpiries(expiries)}`;
}

/** One document of data holds one side, the new one if it is broken: both may have a file of the same name. */
function tellBroken(broken: readonly DiffSide[], { terminal }: WritEdges, telling: Telling): void {
  const sides = telling === "text" ? broken : broken.slice(-1);
  for (const { compilation } of sides) tellDiagnostics(compilation, terminal, telling);
}

/** Sides with errors, where one has any. */
function pairOf(older: DiffSide, newer: DiffSide): DiffPair | { readonly broken: readonly DiffSide[] } {
  const [before, after] = [older.compilation.program, newer.compilation.program];
  if (before === undefined || after === undefined) {
    return { broken: [older, newer].filter(({ compilation }) => compilation.program === undefined) };
  }
  return { older: { ...older, program: before }, newer: { ...newer, program: after } };
}

/** By version, where both sides are versions of one module. */
function namesOf({ older, newer }: DiffPair): SideNames {
  const versionOf = ({ program }: DiffPair["older"]): string | undefined => {
    const [only, ...others] = ownModules(program);
    return others.length === 0 ? only?.version : undefined;
  };
  const [before, after] = [versionOf(older), versionOf(newer)];
  return before === undefined || after === undefined || before === after
    ? { older: "the old policy", newer: "the new policy" }
    : { older: before, newer: after };
}

/** Modules that grant or deny something, those of reference values alone left out. */
function ownModules({ modules, declarations }: DiffPair["older"]["program"]) {
  return modules.filter(({ name }) => declarations.some(({ module }) => module === name));
}
