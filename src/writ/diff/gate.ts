/** Which line of the new sources widens access without an approval? E0801, at the clause that was changed (WRIT section 8.1). */
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Clause, Declaration, Origin } from "../program.ts";
import type { DiffPair } from "./attribution.ts";
import type { Diff } from "./diff.ts";
import type { Example } from "./example.ts";
import type { SideNames } from "./render.ts";
import type { ModuleChange } from "./versions.ts";

const NOTE_WIDTH = 82;

/** One error for each module that widens and may not. */
export function wideningErrors(
  pair: DiffPair,
  diff: Diff,
  changes: readonly ModuleChange[],
): readonly Diagnostic[] {
  return changes
    .filter(({ needsApproval }) => needsApproval)
    .flatMap((change) => {
      const place = placeOf(pair, change);
      return place === undefined ? [] : [errorAt(place, diff, change)];
    });
}

/** By version, where the number changed. */
function namesOf({ older, newer }: ModuleChange): SideNames {
  return older === undefined || newer === undefined || older === newer
    ? { older: "the old version", newer: "the new one" }
    : { older, newer };
}

interface Place {
  readonly origin: Origin;
  readonly label: string;
}

function errorAt({ origin, label }: Place, diff: Diff, change: ModuleChange): Diagnostic {
  const { older, newer } = namesOf(change);
  return {
    code: "E0801",
    severity: "error",
    file: origin.file,
    message: messageOf(change),
    primary: { span: origin.span, text: label },
    secondary: [],
    notes: [...allowedNotes(diff), refusedNote(diff, { older, newer })],
    helps: [
      {
        text: "get an approval with `ostiary policy approve --widening SEC-…`, or restore the old line",
        fixes: [],
      },
    ],
  };
}

function messageOf({ widening, newer, step }: ModuleChange): string {
  if (widening === "review") return "this change widens access and the module says `widening review`";
  return `this change widens access and ${newer ?? "the version"} is ${step === "same" ? "the same number" : `only a ${step}`}`;
}

// ── places ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The first clause of the module that is new or other, else the first entry, else the declaration that lost one. */
function placeOf({ older, newer }: DiffPair, change: ModuleChange): Place | undefined {
  const { module } = change;
  const version = namesOf(change).older;
  const own = newer.program.declarations.filter((one) => one.module === module);
  const before = older.program.declarations.filter((one) => one.module === module);
  const places = own.flatMap((declaration) => clausePlaces(declaration, before, version));
  const entries = newer.program.refsets
    .filter((set) => set.module === module)
    .flatMap(({ name, entries }) => {
      const known =
        older.program.refsets.find((set) => set.module === module && set.name === name)?.entries ?? [];
      const isKnown = (text: string): boolean => known.some((one) => entryText(one) === text);
      return entries
        .filter((one) => !isKnown(entryText(one)))
        .map(({ origin }) => ({ origin, label: `not so in ${version}` }));
    });
  const [first] = [...places, ...entries];
  const [declaration] = own;
  return (
    first ??
    (declaration === undefined ? undefined : { origin: declaration.origin, label: `not so in ${version}` })
  );
}

function entryText({
  value,
  valid,
  state,
}: {
  readonly value: string;
  readonly valid?: unknown;
  readonly state: string;
}): string {
  return JSON.stringify([value, valid, state]);
}

function clausePlaces(
  declaration: Declaration,
  before: readonly Declaration[],
  version: string,
): readonly Place[] {
  const known = before.find(({ name, kind }) => name === declaration.name && kind === declaration.kind);
  if (known === undefined) return [{ origin: declaration.origin, label: `not in ${version}` }];
  const [clauses, old] = [clausesOf(declaration), clausesOf(known)];
  const gone = old.filter((one) => !has(clauses, one));
  const changed = clauses
    .filter((one) => !has(old, one) && one.origin.written === undefined)
    .map((clause): Place => {
      const was = gone.find(({ text }) => text.kind === clause.text.kind);
      return {
        origin: clause.origin,
        label: was === undefined ? `not in ${version}` : `was \`${was.text.text}\` in ${version}`,
      };
    });
  const [lost] = gone;
  return changed.length > 0 || lost === undefined
    ? changed
    : [{ origin: declaration.origin, label: `\`${lost.text.text}\` of ${version} is gone` }];
}

function clausesOf({ requires, allows, denies }: Declaration): readonly Clause[] {
  return [...requires, ...denies, ...allows];
}

function has(clauses: readonly Clause[], { text }: Clause): boolean {
  return clauses.some((one) => one.text.kind === text.kind && one.text.text === text.text);
}

// ── notes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function allowedNotes({ examples, newImpliesOld, loosened }: Diff): readonly string[] {
  const example = examples.find(({ direction }) => direction === "allowed");
  if (example !== undefined) return exampleNotes(example);
  if (newImpliesOld === "not-decided") return ["whether it widens was not decided, which counts as widening"];
  return loosened.map(({ was, resource }) => `\`${was}\` is not kept on ${resource ?? "(any)"}`);
}

function exampleNotes({ resource, unusual, usual }: Example): readonly string[] {
  const parts = [
    `resource ${resource}`,
    ...[...unusual, ...usual].map(({ field, value }) => `${field} ${value}`),
  ];
  const lines: string[] = [];
  for (const [at, part] of parts.entries()) {
    const text = at < parts.length - 1 ? `${part},` : part;
    const last = lines.at(-1);
    const longer = `${last ?? "newly allowed, for example:"} ${text}`;
    if (last === undefined || longer.length <= NOTE_WIDTH) lines.splice(-1, 1, longer);
    else lines.push(`  ${text}`);
  }
  return lines;
}

function refusedNote({ oldImpliesNew }: Diff, { older, newer }: SideNames): string {
  if (oldImpliesNew === "yes") return `newly refused: nothing (${older} implies ${newer})`;
  const verb = oldImpliesNew === "no" ? "does not imply" : "may not imply";
  return `newly refused: something (${older} ${verb} ${newer})`;
}
