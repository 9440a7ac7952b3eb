/** How is a request told on the command line? JSON or FIELD=VALUE to facts, by the types of the vocabulary. */
import { canonicalJson, type JsonObject, type JsonValue } from "../base/canonical-json.ts";
import { factOfJson, typeOf } from "../policy/told-facts.ts";
import type { Facts, FactValue } from "../writ/facts.ts";
import type { Vocabulary } from "../writ/vocabulary.ts";
import { Misuse } from "./command.ts";

/** @throws {@link Misuse} for a field that there is not, or a value of another type. */
export function factsOfJson(values: JsonObject, vocabulary: Vocabulary): Facts {
  const facts = new Map<string, FactValue>();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null) facts.set(name, factOf(name, value, vocabulary));
  }
  return facts;
}

/** Facts with `FIELD=VALUE` set over them; `FIELD=absent` takes one away. @throws {@link Misuse}. */
export function factsOfSettings(facts: Facts, settings: readonly string[], vocabulary: Vocabulary): Facts {
  const changed = new Map(facts);
  for (const setting of settings) {
    const [, name = "", text = ""] = /^([^=]+)=(.*)$/s.exec(setting) ?? [];
    if (name === "") throw new Misuse(`expected FIELD=VALUE after --set, received \`${setting}\``);
    if (text === "absent") changed.delete(name);
    else changed.set(name, factOf(name, wordOf(name, text, vocabulary), vocabulary));
  }
  return changed;
}

/** What is a text stays one, though it may read as JSON: a region may be called `true`. */
function wordOf(name: string, text: string, vocabulary: Vocabulary): JsonValue {
  const value = jsonOf(text);
  const isText = typeOf(name, vocabulary)?.kind === "str";
  return isText && typeof value !== "string" ? text : value;
}

/** A word on the command line is JSON where it reads as JSON, else a string. */
function jsonOf(text: string): JsonValue {
  try {
    const value: JsonValue = JSON.parse(text);
    return value;
  } catch {
    return text;
  }
}

function factOf(name: string, value: JsonValue, vocabulary: Vocabulary): FactValue {
  const type = typeOf(name, vocabulary);
  if (type === undefined) throw new Misuse(`\`${name}\` is no field of ${vocabulary.subject}`);
  const fact = factOfJson(value, type);
  if (fact === undefined) throw new Misuse(`\`${name}\` cannot be ${canonicalJson(value)}`);
  return fact;
}
