/** Where does a source break its lines, and where do its comments go? One part of `layout.txt` per rule (WRIT section 15). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatSource } from "../../../src/writ/formatting/format.ts";

const CASES = readFileSync(join(import.meta.dirname, "layout.txt"), "utf8")
  .split(/^==== /m)
  .slice(1)
  .map((part) => {
    const [source = "", made] = part.split(/^----\n/m);
    return {
      text: source.slice(source.indexOf("\n") + 1),
      made,
      name: source.slice(0, source.indexOf("\n")),
    };
  });

describe("a source is laid out", () => {
  it.each(CASES)("$name", ({ text, made }) => {
    expect(formatSource("a.writ", text).text).toBe(made);
    expect(formatSource("a.writ", made ?? "").text).toBe(made);
  });
});
