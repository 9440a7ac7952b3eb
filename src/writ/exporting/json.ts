/** What is a set of sources as data? Trees with their spans and the normalised program, for tools of other hands (WRIT section 17). */
import type { JsonObject, JsonValue } from "../../base/canonical-json.ts";
import type { Compilation } from "../compile.ts";

/** Raised whenever a member changes its meaning or goes. */
const FORMAT = "ostiary-writ/1";

/**
 * A sound compilation as JSON. Spans are offsets in UTF-16 code units, integers beyond 2^53 are decimal text, what is absent has no
 * member.
 *
 * @returns `undefined` where the sources have errors.
 */
export function programJson({ program, trees }: Compilation): JsonObject | undefined {
  if (program === undefined) return undefined;
  const sources = trees.map(({ text: _, ...tree }) => jsonOf(tree));
  return { format: FORMAT, language: 1, sources, program: jsonOf(program) };
}

/** Plain data of ours: objects, lists, texts, numbers, bigints and truth values. */
function jsonOf(value: unknown): JsonValue {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value !== "object" || value === null) return null;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => (member === undefined ? [] : [[name, jsonOf(member)]])),
  );
}
