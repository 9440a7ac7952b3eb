/** Which files make the bundle, and what does each name in them mean? Loading, imports, cycles, duplicate names. */
import { parseUtf8, utf8 } from "../../base/bytes.ts";
import { type Lines, linesOf } from "../diagnostics/diagnostic.ts";
import { createFindings, type Findings, fix, isSaturated, report } from "../diagnostics/findings.ts";
import { nearest } from "../diagnostics/nearest.ts";
import type { CompileOptions, SourceFile } from "../sources.ts";
import type { ImportItem, Name, NamedItem, SourceTree, Text } from "../syntax/ast.ts";
import { parseSource } from "../syntax/parser.ts";
import { CAPS } from "../syntax/tokens.ts";

/** One file with the names it can use. */
export interface FileScope {
  readonly path: string;
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly lines: Lines;
  readonly tree: SourceTree;
  readonly findings: Findings;
  /** The module's name, or the path where there is no module line. */
  readonly module: string;
  readonly names: Map<string, Bound>;
}

/** A declaration and the file it stands in. */
export interface Bound {
  readonly item: NamedItem;
  readonly home: FileScope;
}

/** Reads the given files and everything they import, and binds names. Answers files by path. */
export function loadFiles(
  files: readonly SourceFile[],
  options: CompileOptions,
): ReadonlyMap<string, FileScope> {
  const loaded = new Map<string, FileScope>();
  const waiting: SourceFile[] = [...files];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const known = loaded.get(file.path);
    if (known !== undefined) {
      reportSecond(known, file);
      continue;
    }
    const scope = openFile(file);
    loaded.set(file.path, scope);
    waiting.push(...missingImports(scope, loaded, { waiting, options }));
  }
  const sorted = new Map([...loaded].sort(([a], [b]) => (a < b ? -1 : 1)));
  for (const scope of sorted.values()) bindDeclared(scope);
  reportSharedNames(sorted.values());
  for (const scope of sorted.values()) bindImports(scope, sorted);
  reportCycles(sorted);
  return sorted;
}

function reportSecond(known: FileScope, file: SourceFile): void {
  const text = typeof file.text === "string" ? file.text : (parseUtf8(file.text) ?? "");
  if (text === known.text) return;
  const message = `two different files are called \`${file.path}\``;
  report(known.findings, { code: "E0405", span: { start: 0, end: 0 }, message });
}

function openFile({ path, text: given }: SourceFile): FileScope {
  const findings = createFindings(path);
  const text = readText(given, findings);
  const tree: SourceTree =
    text === undefined
      ? { path, text: "", imports: [], items: [], comments: [] }
      : parseSource(path, text, findings);
  const bytes = typeof given !== "string" ? given : given.isWellFormed() ? utf8(given) : new Uint8Array();
  const module = tree.module?.name.text ?? path;
  return {
    path,
    text: tree.text,
    bytes,
    lines: linesOf(tree.text),
    tree,
    findings,
    module,
    names: new Map(),
  };
}

function readText(given: string | Uint8Array, findings: Findings): string | undefined {
  const span = { start: 0, end: 0 };
  const size = typeof given === "string" ? utf8Size(given) : given.length;
  if (size > CAPS.sourceBytes) {
    report(findings, { code: "E0010", span, message: "a source has at most 1 MB" });
    return undefined;
  }
  const text = typeof given === "string" ? given : parseUtf8(given);
  if (text === undefined) report(findings, { code: "E0002", span, message: "this file is not UTF-8" });
  return text;
}

function utf8Size(text: string): number {
  if (text.length > CAPS.sourceBytes || !text.isWellFormed()) return text.length;
  return utf8(text).length;
}

/** Files that are imported, not among the given ones, and there. What is not there is reported when names are bound. */
function missingImports(
  scope: FileScope,
  loaded: ReadonlyMap<string, FileScope>,
  { waiting, options }: { readonly waiting: readonly SourceFile[]; readonly options: CompileOptions },
): readonly SourceFile[] {
  const found: SourceFile[] = [];
  for (const { path } of scope.tree.imports) {
    const isKnown = loaded.has(path.value) || [...waiting, ...found].some((file) => file.path === path.value);
    const bytes = isKnown || !isBundlePath(path.value) ? undefined : options.files?.(path.value);
    if (bytes !== undefined) found.push({ path: path.value, text: bytes });
  }
  return found;
}

/** Relative to the bundle's root, forward only, no URL. */
export function isBundlePath(path: string): boolean {
  const segments = path.split("/");
  return (
    path.length <= 512 &&
    segments.every((segment) => /^[A-Za-z0-9._~@+=-]+$/.test(segment) && segment !== "." && segment !== "..")
  );
}

function bindDeclared(scope: FileScope): void {
  const { module } = scope.tree;
  if (module !== undefined && /^ostiary(?:\.|$)/.test(module.name.text)) reportReserved(scope, module.name);
  for (const item of scope.tree.items) {
    if (item.kind === "test" || item.kind === "assert") continue;
    if (item.name.text.includes(".")) reportReserved(scope, item.name);
    bind(scope, item.name, { item, home: scope });
  }
}

function reportReserved(scope: FileScope, { text, span }: Name): void {
  const message = `\`${text}\` cannot be declared`;
  const label = text.startsWith("ostiary") ? "`ostiary` is reserved" : "a declared name has no dots";
  report(scope.findings, { code: "E0101", span, message, label });
}

/** Counters and traces call a policy by module and name, so these are unique over all files of a module. */
function reportSharedNames(scopes: Iterable<FileScope>): void {
  const homes = new Map<string, FileScope>();
  for (const scope of scopes) {
    for (const [name, { item }] of scope.names) {
      if (item.kind !== "policy" && item.kind !== "guard") continue;
      const key = `${scope.module} ${name}`;
      const home = homes.get(key);
      if (home === undefined) homes.set(key, scope);
      else tellShared(scope, item.name, home);
    }
  }
}

function tellShared(scope: FileScope, { text, span }: Name, home: FileScope): void {
  const message = `module \`${scope.module}\` has two things called \`${text}\``;
  const notes = [`the other one stands in ${home.path}`];
  report(scope.findings, { code: "E0405", span, message, label: "declared here again", notes });
}

function bind(scope: FileScope, name: Name, bound: Bound): void {
  const before = scope.names.get(name.text);
  if (before === undefined) {
    scope.names.set(name.text, bound);
    return;
  }
  const what =
    before.item === bound.item ? "imported twice" : `a ${before.item.kind} of this name is here already`;
  const message = `two things are called \`${name.text}\``;
  const notes = before.home === scope ? [] : [`the other one comes from ${before.home.path}`];
  report(scope.findings, { code: "E0405", span: name.span, message, label: what, notes });
}

function bindImports(scope: FileScope, files: ReadonlyMap<string, FileScope>): void {
  for (const item of scope.tree.imports) {
    const home = files.get(item.path.value);
    if (home === undefined) reportMissing(scope, item.path);
    else bindImport(scope, item, home);
  }
}

function reportMissing(scope: FileScope, path: Text): void {
  const isPath = isBundlePath(path.value);
  report(scope.findings, {
    code: "E0404",
    span: path.span,
    message: `there is no file \`${path.value}\` to import`,
    label: isPath
      ? "not in the bundle"
      : "imports are paths inside the bundle, from its root: never absolute, never `..`",
  });
}

function bindImport(scope: FileScope, { names }: ImportItem, home: FileScope): void {
  const declared = new Map(
    home.tree.items.flatMap((item) => ("name" in item ? [[item.name.text, item] as const] : [])),
  );
  for (const name of names) {
    const item = declared.get(name.text);
    if (item !== undefined) bind(scope, name, { item, home });
    else reportNotThere(scope, name, { home, declared: declared.keys() });
  }
}

function reportNotThere(
  scope: FileScope,
  { text, span }: Name,
  { home, declared }: { readonly home: FileScope; readonly declared: Iterable<string> },
): void {
  const meant = isSaturated(scope.findings) ? undefined : nearest(text, declared);
  report(scope.findings, {
    code: "E0404",
    span,
    message: `\`${home.path}\` declares no \`${text}\``,
    label: "not declared there",
    helps: meant === undefined ? [] : fix(`did you mean \`${meant}\`?`, span, meant),
  });
}

/** Every import that leads back to its own file is reported, so that the order of files does not matter. */
function reportCycles(files: ReadonlyMap<string, FileScope>): void {
  const components = componentsOf(files);
  for (const scope of files.values()) {
    for (const { path } of scope.tree.imports) {
      if (!files.has(path.value) || components.get(scope.path) !== components.get(path.value)) continue;
      const message = `importing \`${path.value}\` leads back to this file`;
      report(scope.findings, {
        code: "E0404",
        span: path.span,
        message,
        label: "imports cannot go in a circle",
      });
    }
  }
}

/** Path → number of its strongly connected component (Kosaraju, without recursion). */
function componentsOf(files: ReadonlyMap<string, FileScope>): ReadonlyMap<string, number> {
  const forward = new Map<string, string[]>();
  const backward = new Map<string, string[]>();
  for (const { path, tree } of files.values()) {
    for (const { path: target } of tree.imports.filter((item) => files.has(item.path.value))) {
      append(forward, path, target.value);
      append(backward, target.value, path);
    }
  }
  const order: string[] = [];
  const seen = new Set<string>();
  for (const path of files.keys()) visit(path, { edges: forward, seen, leave: (one) => order.push(one) });
  const components = new Map<string, number>();
  const assigned = new Set<string>();
  for (const [number, path] of order.reverse().entries()) {
    visit(path, { edges: backward, seen: assigned, leave: (one) => components.set(one, number) });
  }
  return components;
}

function append(edges: Map<string, string[]>, from: string, to: string): void {
  const list = edges.get(from);
  if (list === undefined) edges.set(from, [to]);
  else list.push(to);
}

interface Walk {
  readonly edges: ReadonlyMap<string, readonly string[]>;
  readonly seen: Set<string>;
  /** Called once per file, after everything it leads to. */
  readonly leave: (path: string) => void;
}

function visit(from: string, { edges, seen, leave }: Walk): void {
  if (seen.has(from)) return;
  seen.add(from);
  const stack = [{ path: from, next: 0 }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const target = edges.get(top.path)?.[top.next];
    top.next += 1;
    if (target === undefined) {
      leave(top.path);
      stack.pop();
    } else if (!seen.has(target)) {
      seen.add(target);
      stack.push({ path: target, next: 0 });
    }
  }
}
