/** Which module does a change belong to? Each is swapped in alone and compared with what was (WRIT section 8.1). */
import { equalBytes, utf8 } from "../../base/bytes.ts";
import type { Compilation } from "../compile.ts";
import { compileSources } from "../compile.ts";
import type { Module, Program } from "../program.ts";
import type { CompileOptions, SourceFile } from "../sources.ts";
import { type Diff, type DiffOptions, diffPrograms } from "./diff.ts";
import { type ModuleChange, moduleChange } from "./versions.ts";

/** One side of a comparison: what it compiled to, and every file of it by path. */
export interface DiffSide {
  readonly compilation: Compilation;
  readonly files: ReadonlyMap<string, SourceFile["text"]>;
}

/** Both sides with the programs they made. */
export interface DiffPair {
  readonly older: DiffSide & { readonly program: Program };
  readonly newer: DiffSide & { readonly program: Program };
}

/**
 * What each module that has a name, and whose files changed, does to access. A module that cannot be swapped in alone answers
 * for the whole change.
 *
 * @param whole - The difference of both sides.
 */
export function moduleChanges(
  pair: DiffPair,
  whole: Diff,
  options: Omit<CompileOptions, "files"> & DiffOptions,
): readonly ModuleChange[] {
  const changed = changedPaths(pair);
  const modules = pair.newer.program.modules.filter((module) => isChanged(pair, module, changed));
  return modules.flatMap((module) => {
    const before = pair.older.program.modules.find(({ name }) => name === module.name);
    const { verdict, isWidening } = modules.length === 1 ? whole : (diffOf(pair, module, options) ?? whole);
    return [moduleChange(before, module, { verdict, isWidening })];
  });
}

function changedPaths({ older, newer }: DiffPair): ReadonlySet<string> {
  const paths = new Set([...older.files.keys(), ...newer.files.keys()]);
  return new Set([...paths].filter((path) => !isSame(bytesOf(older, path), bytesOf(newer, path))));
}

function bytesOf({ files }: DiffSide, path: string): Uint8Array | undefined {
  const text = files.get(path);
  return typeof text === "string" ? utf8(text) : text;
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}

/** Files without a module line are modules named by their path, and have no version to judge. */
function isChanged(
  { older, newer }: DiffPair,
  { name, version }: Module,
  changed: ReadonlySet<string>,
): boolean {
  if (version === undefined) return false;
  return [older, newer].some(({ program }) => filesOf(program, name).some((file) => changed.has(file)));
}

function filesOf({ declarations, refsets, floors }: Program, module: string): readonly string[] {
  const items = [...declarations, ...refsets, ...floors].filter((one) => one.module === module);
  return [...new Set(items.map(({ origin }) => origin.file))];
}

/** The old sources with one module of the new ones; `undefined` where that does not compile. */
function diffOf(
  { older, newer }: DiffPair,
  { name }: Module,
  { vocabulary, digest, ...options }: Omit<CompileOptions, "files"> & DiffOptions,
): Diff | undefined {
  const files = new Map(older.files);
  for (const path of filesOf(older.program, name)) files.delete(path);
  for (const path of filesOf(newer.program, name)) {
    const text = newer.files.get(path);
    if (text !== undefined) files.set(path, text);
  }
  const sources = [...files].flatMap(([path, text]) =>
    older.compilation.sources.has(path) || newer.compilation.sources.has(path) ? [{ path, text }] : [],
  );
  const { program } = compileSources(sources, {
    vocabulary,
    digest,
    files: (path) => {
      const text = files.get(path);
      return typeof text === "string" ? utf8(text) : text;
    },
  });
  return program === undefined
    ? undefined
    : diffPrograms({ older: older.program, newer: program }, vocabulary, options);
}
