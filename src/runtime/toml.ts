/** How is a TOML file read by a schema? Whole and strictly; every problem is told at once, and none repeats what stands there. */
import { parse } from "smol-toml";
import * as v from "valibot";
import type { JsonValue } from "../base/canonical-json.ts";
import { Fault, type FaultDetail } from "../base/fault.ts";

/** Where, and what was expected there. */
export type Problem = readonly [place: string, expected: string];

const MAX_TEXT = 1 << 20;
const MAX_PROBLEMS = 50;

/** @throws {@link Fault} `config/invalid`. */
export function parsedToml(text: string): unknown {
  if (text.length > MAX_TEXT) throw invalid([["file", "expected at most 1 MiB of TOML"]]);
  try {
    return parse(text);
  } catch (thrown) {
    // The parser's message shows the line it stumbled over; only where that is may be repeated.
    throw invalid([["file", `expected TOML 1.0${lineOf(thrown)}`]]);
  }
}

/** What a text of a stranger's holds, as JSON has it; `undefined` for what is no TOML, or holds what JSON has no word for. */
export function tomlTree(text: string): JsonValue | undefined {
  try {
    return jsonOf(parse(text, { maxDepth: MAX_STRANGERS_DEPTH }));
  } catch {
    return undefined;
  }
}

const MAX_STRANGERS_DEPTH = 16;

function jsonOf(value: unknown): JsonValue {
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map(jsonOf);
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, jsonOf(member)]));
  }
  throw new Fault("internal/invariant", "expected text, numbers, truths, moments, lists and tables");
}

/**
 * What the schema lets through.
 *
 * @param before - Problems that were found already.
 * @throws {@link Fault} `config/invalid`, whose detail has one member per problem, named by its place.
 */
export function readBySchema<S extends v.GenericSchema>(
  schema: S,
  tree: unknown,
  before: readonly Problem[] = [],
): v.InferOutput<S> {
  const result = v.safeParse(schema, tree);
  if (!result.success) throw invalid([...before, ...result.issues.map(problemOf)]);
  if (before.length > 0) throw invalid(before);
  return result.output;
}

function lineOf(thrown: unknown): string {
  if (typeof thrown !== "object" || thrown === null || !("line" in thrown)) return "";
  return typeof thrown.line === "number" ? `, received something else in line ${thrown.line}` : "";
}

/** Where, and what was expected; never what stands there, which may be a key that somebody put in the wrong place. */
function problemOf(issue: v.BaseIssue<unknown>): Problem {
  const place = (v.getDotPath(issue) ?? "file").slice(0, 100);
  const hasOwnWords = issue.kind !== "schema" || issue.type === "never";
  return [place, `expected ${hasOwnWords ? issue.message : issue.expected}`];
}

function invalid(problems: readonly Problem[]): Fault {
  const detail: FaultDetail = Object.fromEntries(problems.slice(0, MAX_PROBLEMS));
  const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
  return new Fault("config/invalid", `the configuration has ${count}`, detail);
}
