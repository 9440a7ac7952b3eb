/** Does each construct of the grammar make its node, at exactly its place in the text? One line of `spans.txt` per construct (WRIT section 4). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createFindings } from "../../../src/writ/diagnostics/findings.ts";
import { parseSource } from "../../../src/writ/syntax/parser.ts";

const CASES = readFileSync(join(import.meta.dirname, "spans.txt"), "utf8")
  .split(/^==== /m)
  .slice(1)
  .map((part) => {
    const [source = "", told = ""] = part.split(/^----\n/m);
    return {
      source: source.slice(source.indexOf("\n") + 1),
      told,
      name: source.slice(0, source.indexOf("\n")),
    };
  });

interface Place {
  readonly start: number;
  readonly end: number;
}

function isPlace(value: unknown): value is Place {
  return typeof value === "object" && value !== null && "start" in value && "end" in value;
}

/** A node as lines: each member by name; of places the text that they mark. */
function dumped(text: string, value: unknown, depth: number): string {
  if (isPlace(value)) return `«${text.slice(value.start, value.end).replaceAll(/\s+/g, " ")}»`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Object.values(value).every((one) => typeof one === "number")) return JSON.stringify(value);
  const margin = "  ".repeat(depth + 1);
  const members = Object.entries(value).filter(([, one]) => one !== undefined);
  return members
    .map(([name, one]) => `\n${margin}${name} ${dumped(text, one, depth + 1)}`.replace(" \n", "\n"))
    .join("");
}

describe("a construct has its kind and its place", () => {
  it.each(CASES)("$name", ({ source, told }) => {
    const text = `writ 1\n${source}`;
    const findings = createFindings("a.writ");
    const { module, imports, items } = parseSource("a.writ", text, findings);
    expect(findings.kept.map(({ code, message }) => `${code} ${message}`)).toEqual([]);
    const tree = { ...(module === undefined ? {} : { module }), imports, items };
    expect(`${dumped(text, tree, -1).slice(1)}\n`).toBe(told);
  });
});
