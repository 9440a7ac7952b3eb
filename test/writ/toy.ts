/** What is a vocabulary without a processor in it? Five fields about lamps, which prove that the language knows no subject. */
import { createHash } from "node:crypto";
import { compileSources } from "../../src/writ/compile.ts";
import type { Facts } from "../../src/writ/facts.ts";
import type { Vocabulary } from "../../src/writ/vocabulary.ts";

const ABSENT = { where: "absent from old lamps", whom: "every old lamp" };

export const TOY: Vocabulary = {
  id: "lamps",
  version: 1,
  subject: "a lamp",
  vector: "watts",
  fields: [
    { name: "request.resource", type: { kind: "path" }, doc: "which lamp" },
    { name: "now", type: { kind: "time" }, doc: "when" },
    { name: "color", type: { kind: "enum", values: ["red", "green", "blue"] }, doc: "its color" },
    { name: "level", type: { kind: "uint", bits: 8 }, doc: "how bright" },
    { name: "lit", type: { kind: "flag" }, absence: ABSENT, doc: "whether it burns" },
    { name: "mark", type: { kind: "bytes", size: 2 }, absence: ABSENT, doc: "what is stamped on it" },
  ],
  components: [],
  resourceField: "request.resource",
  timeField: "now",
  products: [],
  hasApprovals: false,
  obligations: ["token_ttl", "max_releases", "rate", "notify", "audit"],
  wraps: [],
  platforms: [],
  guards: "",
  hints: { words: {}, lengths: [], shown: ["color"], efforts: [] },
  follows: [],
  axioms: [],
  ordinary: {},
};

export function digest(algorithm: "sha256" | "sha384" | "sha512", bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash(algorithm).update(bytes).digest());
}

export function compileToy(text: string | readonly string[]) {
  const texts = typeof text === "string" ? [text] : text;
  const files = texts.map((one, index) => ({ path: `toy${index}.writ`, text: `writ 1\n${one}` }));
  return compileSources(files, { vocabulary: TOY, digest });
}

export function programOf(text: string | readonly string[]) {
  const { program, diagnostics } = compileToy(text);
  if (program === undefined)
    throw new Error(diagnostics.map(({ code, message }) => `${code} ${message}`).join("; "));
  return program;
}

export function lamp(facts: Readonly<Record<string, string | number | boolean>> = {}): Facts {
  return new Map(
    Object.entries({
      "request.resource": "house/hall",
      now: 1_800_000_000,
      color: "red",
      level: 5,
      ...facts,
    }),
  );
}
