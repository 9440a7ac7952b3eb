/** Which program do these sources make, and what is wrong with them? The door of the language. */
import { hexOf } from "../base/bytes.ts";
import type { Desk, KnownReferences, KnownSet } from "./checking/desk.ts";
import { type FieldTable, fieldTableOf } from "./checking/fields.ts";
import { floorOf, type PlacedSet, refsetOf, reportHalfRevoked } from "./checking/references.ts";
import { checkUnusedTemplate, type Expansion, type PlatformTexts, ruleSetOf } from "./checking/rule-sets.ts";
import { type FileScope, loadFiles } from "./checking/scope.ts";
import { assertionOf, reportTwins, testOf } from "./checking/tests.ts";
import type { Diagnostic } from "./diagnostics/diagnostic.ts";
import { linesOf } from "./diagnostics/diagnostic.ts";
import { createFindings, report, settledFindings } from "./diagnostics/findings.ts";
import type { Declaration, Floor, Module, Program, Refset } from "./program.ts";
import type { CompileOptions, SourceFile } from "./sources.ts";
import type { NamedItem, RuleSetItem, SourceTree } from "./syntax/ast.ts";
import { parseDeclarations, parsePlatform } from "./syntax/parser.ts";
import { CAPS } from "./syntax/tokens.ts";
import type { Assertion, TestCase } from "./test-case.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** `program` is there exactly when no diagnostic is an error. */
export interface Compilation {
  readonly program: Program | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** The text of every source that was read, imports included, by path: what diagnostics are rendered from. */
  readonly sources: ReadonlyMap<string, string>;
  /** The tree of each of them. */
  readonly trees: readonly SourceTree[];
  /** Tests and assertions, by file and place: of sound sources alone. */
  readonly tests: readonly TestCase[];
  readonly assertions: readonly Assertion[];
}

/**
 * Compiles a set of sources, with everything they import, into one program.
 *
 * Total: whatever the texts hold, the answer is a program or diagnostics, never an exception. Pure: files are resolved by
 * `options.files`, hashes by `options.digest`. Order of files, imports and rules never matters.
 *
 * @returns Diagnostics of all files, by file and place; the program when none of them is an error.
 */
export function compileSources(files: readonly SourceFile[], options: CompileOptions): Compilation {
  const scopes = [...loadFiles(files, options).values()];
  const base = deskParts(scopes, options);
  const sets = scopes.flatMap((scope) => setsOf(scope, base));
  const floors = scopes.flatMap((scope) => floorsOf(scope, base));
  reportHalfRevoked(sets.map(({ placed }) => placed));
  const known: KnownReferences = {
    sets: new Map(
      sets.map(({ item, placed }) => [item, { set: placed.set, views: new Map() } satisfies KnownSet]),
    ),
    floors: new Map(floors.map(({ item, floor }) => [item, floor])),
  };
  const platforms = platformTextsOf({ ...base, known });
  const expansion: Expansion = { platforms, growth: { left: CAPS.templateRules }, used: new Set() };
  const declarations = scopes.flatMap((scope) => ruleSetsOf(scope, { ...base, known }, expansion));
  for (const scope of scopes) checkUnusedTemplates(scope, { ...base, known }, expansion);
  const trials = scopes.map((scope) => trialsOf(scope, { ...base, known }));
  for (const scope of scopes) reportImportDigests(scope, base.digestOf);
  const builtIn = builtInGuards({ ...base, known }, expansion);
  const diagnostics = scopes.flatMap(({ findings }) => settledFindings(findings));
  const trees = scopes.map(({ tree }) => tree);
  const sources = new Map(scopes.map(({ path, text }) => [path, text]));
  if (diagnostics.some(({ severity }) => severity === "error"))
    return { program: undefined, diagnostics, sources, trees, tests: [], assertions: [] };
  const program = programOf(options.vocabulary, {
    modules: modulesOf(scopes, new Map(sets.map(({ item, placed }) => [item, placed.set]))),
    refsets: sets.map(({ placed }) => placed.set),
    floors: floors.map(({ floor }) => floor),
    declarations: [...builtIn, ...declarations],
  });
  const tests = trials.flatMap((trial) => trial.tests);
  const assertions = trials.flatMap((trial) => trial.assertions);
  return { program, diagnostics, sources, trees, tests, assertions };
}

type DeskParts = Omit<Desk, "file">;

function deskParts(scopes: readonly FileScope[], options: CompileOptions): DeskParts {
  const table: FieldTable = fieldTableOf(options.vocabulary);
  const own = new Map(scopes.map(({ path, bytes }) => [path, bytes]));
  const digests = new Map<string, string>();
  return {
    table,
    parameters: new Map(),
    known: { sets: new Map(), floors: new Map() },
    digestOf: (algorithm, path) => {
      const key = `${algorithm} ${path}`;
      const known = digests.get(key);
      const bytes = known === undefined ? (own.get(path) ?? options.files?.(path)) : undefined;
      if (bytes === undefined) return known;
      const digest = hexOf(options.digest(algorithm, bytes));
      digests.set(key, digest);
      return digest;
    },
  };
}

// ── declarations, by kind ───────────────────────────────────────────────────────────────────────────────────────────

interface CheckedSet {
  readonly item: NamedItem;
  readonly placed: PlacedSet;
}

function setsOf(scope: FileScope, base: DeskParts): readonly CheckedSet[] {
  const desk: Desk = { ...base, file: scope };
  return scope.tree.items.flatMap((item) => {
    const set = item.kind === "refset" ? refsetOf(desk, item) : undefined;
    return item.kind === "refset" && set !== undefined ? [{ item, placed: { desk, item, set } }] : [];
  });
}

function floorsOf(
  scope: FileScope,
  base: DeskParts,
): readonly { readonly item: NamedItem; readonly floor: Floor }[] {
  const desk: Desk = { ...base, file: scope };
  return scope.tree.items.flatMap((item) =>
    item.kind === "floor" ? [{ item, floor: floorOf(desk, item) }] : [],
  );
}

function ruleSetsOf(scope: FileScope, base: DeskParts, expansion: Expansion): readonly Declaration[] {
  const desk: Desk = { ...base, file: scope };
  return scope.tree.items.filter(isRuleSet).map((item) => ruleSetOf(desk, item, expansion));
}

/** What a use would show is not said twice. */
function checkUnusedTemplates(scope: FileScope, base: DeskParts, { used }: Expansion): void {
  for (const item of scope.tree.items) {
    if (item.kind === "template" && !used.has(item)) checkUnusedTemplate({ ...base, file: scope }, item);
  }
}

function trialsOf(scope: FileScope, base: DeskParts): Pick<Compilation, "tests" | "assertions"> {
  const desk: Desk = { ...base, file: scope };
  const { items } = scope.tree;
  const tests = items.filter((item) => item.kind === "test");
  reportTwins(desk, tests);
  return {
    tests: tests.flatMap((item) => testOf(desk, item) ?? []),
    assertions: items.flatMap((item) => (item.kind === "assert" ? (assertionOf(desk, item) ?? []) : [])),
  };
}

function isRuleSet(item: { readonly kind: string }): item is RuleSetItem {
  return item.kind === "policy" || item.kind === "guard";
}

/** An import may pin the SHA-256 of the file it names. */
function reportImportDigests(scope: FileScope, digestOf: Desk["digestOf"]): void {
  for (const { path, digest, span } of scope.tree.imports) {
    const expected = digest?.kind === "bytes" ? digest.value : undefined;
    const received = expected === undefined ? undefined : digestOf("sha256", path.value);
    if (received === undefined || received === expected) continue;
    report(scope.findings, {
      code: "E0404",
      span: digest?.span ?? span,
      message: `\`${path.value}\` is not the file that this import pins`,
      label: `its SHA-256 is ${received.slice(0, 16)}…`,
    });
  }
}

// ── texts of the vocabulary ─────────────────────────────────────────────────────────────────────────────────────────

function platformTextsOf(base: DeskParts): PlatformTexts {
  const { platforms } = base.table.vocabulary;
  return new Map(
    platforms.map(({ name, text }) => {
      const file = builtInFile(`platform ${name}`, text);
      return [name, { desk: { ...base, file }, items: parsePlatform(text, file.findings) }];
    }),
  );
}

function builtInGuards(base: DeskParts, expansion: Expansion): readonly Declaration[] {
  const { guards } = base.table.vocabulary;
  if (guards === "") return [];
  const file = builtInFile("built-in", guards);
  const tree = parseDeclarations("built-in", guards, file.findings);
  return tree.items.filter(isRuleSet).map((item) => ruleSetOf({ ...base, file }, item, expansion));
}

function builtInFile(path: string, text: string): FileScope {
  const tree = { path, text, imports: [], items: [], comments: [] };
  const findings = createFindings(path);
  return {
    path,
    text,
    bytes: new Uint8Array(0),
    lines: linesOf(text),
    tree,
    findings,
    module: "ostiary",
    names: new Map(),
  };
}

// ── the program ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** A file is a unit of revocation: what it declares or imports binds the scopes of what it declares. */
function modulesOf(scopes: readonly FileScope[], sets: ReadonlyMap<NamedItem, Refset>): readonly Module[] {
  const byName = new Map<string, Module>();
  for (const { module: name, tree, names } of scopes) {
    const revocable = [...names.values()].flatMap(({ item }) => {
      const set = sets.get(item);
      return set === undefined ? [] : [set];
    });
    const known = byName.get(name);
    const version = tree.module?.version.text ?? known?.version;
    byName.set(name, {
      name,
      ...(version === undefined ? {} : { version }),
      widening: tree.module?.widening ?? known?.widening ?? "review",
      revocable: [...new Set([...(known?.revocable ?? []), ...revocable])],
    });
  }
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function programOf(
  vocabulary: Vocabulary,
  parts: Pick<Program, "modules" | "refsets" | "floors" | "declarations">,
): Program {
  const { id, version, resourceField, timeField, productField, siliconField } = vocabulary;
  return {
    vocabulary: { id, version },
    resourceField,
    timeField,
    ...(productField === undefined ? {} : { productField }),
    ...(siliconField === undefined ? {} : { siliconField }),
    ...parts,
    declarations: [...parts.declarations].sort(byKindAndName),
  };
}

function byKindAndName(a: Declaration, b: Declaration): number {
  if (a.kind !== b.kind) return a.kind === "guard" ? -1 : 1;
  const [left, right] = [`${a.name} ${a.module}`, `${b.name} ${b.module}`];
  return left < right ? -1 : Number(left > right);
}
