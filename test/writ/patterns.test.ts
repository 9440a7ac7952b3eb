/** Which patterns and resources are in form? WRIT section 5.2, limit by limit. */
import { describe, expect, it } from "vitest";
import { parsePattern, parseResource } from "../../src/writ/patterns.ts";

const SEGMENT = "a".repeat(128);
const LONGEST = `${SEGMENT}/${SEGMENT}/${SEGMENT}/${"a".repeat(125)}`;

describe("a pattern", () => {
  it.each([
    ["**", [], true],
    ["*", ["*"], false],
    ["a/*/b", ["a", "*", "b"], false],
    ["a/**", ["a"], true],
    ["A-Z.0_9~x@y:z+1=2", ["A-Z.0_9~x@y:z+1=2"], false],
    [SEGMENT, [SEGMENT], false],
    ["...", ["..."], false],
    [LONGEST, LONGEST.split("/"), false],
    [Array.from({ length: 16 }, () => "a").join("/"), Array.from({ length: 16 }, () => "a"), false],
  ])("may be %s", (text, segments, isOpen) => {
    expect(parsePattern(text)).toEqual({ kind: "pattern", pattern: { segments, isOpen } });
  });

  it.each([
    ["", "a segment is empty"],
    ["a//b", "a segment is empty"],
    ["/a", "a segment is empty"],
    ["a/", "a segment is empty"],
    ["**/a", "`**` stands only at the end"],
    ["a*", "`*` is a whole segment: there are no partial wildcards"],
    ["a/b*/**", "`*` is a whole segment: there are no partial wildcards"],
    ["a/.", "a segment cannot be `.`"],
    ["../a", "a segment cannot be `..`"],
    ["a b", "a segment is letters, digits and `. _ ~ @ : + = -`"],
    ["a%2fb", "a segment is letters, digits and `. _ ~ @ : + = -`"],
    ["é", "a segment is letters, digits and `. _ ~ @ : + = -`"],
    [`${SEGMENT.slice(1)} `, "a segment is letters, digits and `. _ ~ @ : + = -`"],
    [`${SEGMENT}a`, "a segment has at most 128 characters"],
    [`${LONGEST}/a`, "a pattern has at most 512 bytes"],
    [Array.from({ length: 17 }, () => "a").join("/"), "a pattern has at most 16 segments"],
  ])("is not %s", (text, why) => {
    expect(parsePattern(text)).toEqual({ kind: "bad", why });
  });
});

describe("a resource", () => {
  const sixteen = Array.from({ length: 16 }, () => "a").join("/");

  it.each(["a", "prod/db", "a.b/..c/~@:+=-_", SEGMENT, LONGEST, sixteen])("may be %s", (text) => {
    expect(parseResource(text)).toEqual(text.split("/"));
  });

  it.each([
    "",
    "/",
    "a/",
    "/a",
    "a//b",
    ".",
    "a/..",
    "*",
    "a/*",
    "a b",
    "a\n",
    "a%20",
    "é",
    `${SEGMENT}a`,
    `${sixteen}/a`,
    `${LONGEST}a`,
  ])("is not %j", (text) => {
    expect(parseResource(text)).toBeUndefined();
  });
});
