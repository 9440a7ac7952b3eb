/** What did a change of sources touch? Modules by their files, and whether it did no more than add reference values. */
import { equalBytes, utf8 } from "../base/bytes.ts";
import type { Entry, Program, Refset, Window } from "../writ/program.ts";
import type { BundleSide } from "./bundle.ts";

export interface TwoSides {
  readonly older: BundleSide;
  readonly newer: BundleSide;
}

/** Modules of files that changed, came or went; all of both sides where a file belongs to none that is known. Sorted. */
export function changedModules({ older, newer }: TwoSides): readonly string[] {
  const paths = new Set([...older.files.keys(), ...newer.files.keys()]);
  const changed = [...paths].filter((path) => !path.endsWith(".test.writ") && !isSame(older, newer, path));
  const owners = [older, newer].map(({ program }) => modulesByFile(program));
  const named = changed.map((path) => owners.flatMap((byFile) => byFile.get(path) ?? []));
  const all = [older, newer].flatMap(({ program }) => program.modules.map(({ name }) => name));
  const touched = named.some((names) => names.length === 0) ? all : named.flat();
  return [...new Set(touched)].sort();
}

function isSame(older: BundleSide, newer: BundleSide, path: string): boolean {
  const [a, b] = [bytesOf(older, path), bytesOf(newer, path)];
  return a !== undefined && b !== undefined && equalBytes(a, b);
}

function bytesOf({ files }: BundleSide, path: string): Uint8Array | undefined {
  const text = files.get(path);
  return typeof text === "string" ? utf8(text) : text;
}

function modulesByFile({ declarations, refsets, floors }: Program): ReadonlyMap<string, readonly string[]> {
  const byFile = new Map<string, Set<string>>();
  for (const { module, origin } of [...declarations, ...refsets, ...floors]) {
    byFile.set(origin.file, (byFile.get(origin.file) ?? new Set()).add(module));
  }
  return new Map([...byFile].map(([file, modules]) => [file, [...modules]]));
}

/**
 * The sets (`MODULE/SET`) that got entries or longer windows, where that is all that changed: every policy, guard and floor is what
 * it was, no entry is gone, other or no longer revoked. `undefined` where anything else changed.
 */
export function grownRefsets({ older, newer }: TwoSides): readonly string[] | undefined {
  const [before, after] = [older.program, newer.program];
  if (restOf(before) !== restOf(after) || before.refsets.length !== after.refsets.length) return undefined;
  const grown: string[] = [];
  for (const set of after.refsets) {
    const known = before.refsets.find((one) => nameOf(one) === nameOf(set));
    if (known === undefined || !isGrown(known, set)) return undefined;
    if (plain(known.entries) !== plain(set.entries)) grown.push(nameOf(set));
  }
  return grown;
}

function nameOf({ module, name }: Pick<Refset, "module" | "name">): string {
  return `${module}/${name}`;
}

function isGrown(before: Refset, after: Refset): boolean {
  if (before.field !== after.field || before.owner !== after.owner) return false;
  const kept = before.entries.every((entry) => after.entries.some((one) => isSameOrLonger(entry, one)));
  const added = after.entries.filter((one) => !before.entries.some((entry) => isSameOrLonger(entry, one)));
  return kept && added.every(({ state }) => state === "active");
}

function isSameOrLonger(before: Entry, after: Entry): boolean {
  const { valid: was, ...old } = before;
  const { valid: is, ...now } = after;
  return plain(old) === plain(now) && contains(is, was);
}

function contains(outer: Window | undefined, inner: Window | undefined): boolean {
  if (outer === undefined) return true;
  if (inner === undefined) return false;
  const end = (window: Window): number => window.to ?? Number.POSITIVE_INFINITY;
  return outer.from <= inner.from && end(outer) >= end(inner);
}

/** All of a program but its reference values, as text. */
function restOf({ declarations, floors, modules, refsets: _sets, ...rest }: Program): string {
  const named = modules.map(({ name, widening }) => ({ name, widening })); // the number may go up
  return plain({ declarations, floors, named, ...rest });
}

/** Where in its file something stands is no part of what it says; of a test for a set, the set's name is. */
const PLACES: ReadonlySet<string> = new Set(["origin", "at", "span", "nameSpan", "whole"]);

function plain(value: unknown): string {
  return JSON.stringify(value, (name, member: unknown) => {
    if (PLACES.has(name)) return undefined;
    if (typeof member === "bigint") return `${member}n`;
    return isMembership(member) ? { kind: member.kind, set: member.set } : member;
  });
}

function isMembership(value: unknown): value is { readonly kind: "member"; readonly set: string } {
  return (
    typeof value === "object" &&
    value !== null &&
    Reflect.get(value, "kind") === "member" &&
    Reflect.has(value, "entries")
  );
}
