/** Does this constant fit this field, and what is it then? Kinds, lengths and ranges of literals (WRIT section 5). */

import type { Span } from "../diagnostics/diagnostic.ts";
import { advice, choice, type Draft, fix } from "../diagnostics/findings.ts";
import type { TcbFact, VersionFact } from "../facts.ts";
import type { FieldRef } from "../program.ts";
import type { Literal, TcbItem, TcbLiteral } from "../syntax/ast.ts";
import type { FieldType } from "../vocabulary.ts";
import { argumentOf, type Desk, meantName, tell } from "./desk.ts";
import { typeWords } from "./fields.ts";
import { isBundlePath } from "./scope.ts";

const LITERAL_WORDS: Readonly<Record<Literal["kind"], string>> = {
  bytes: "bytes",
  digest: "bytes",
  string: "a string",
  int: "a number",
  duration: "a duration",
  date: "a date",
  version: "a version",
  name: "a name",
  tcb: "a vector",
  broken: "a value",
};

const WANTED_FORM: Readonly<Record<FieldType["kind"], string>> = {
  bytes: 'expected `hex"…"`',
  flag: "flags are written bare",
  uint: "expected a number",
  tcb: "expected `{ component level, … }`",
  version: "expected a version: `1.55`",
  bits: "expected `contains bit n`",
  enum: "expected one of its values, without quotes",
  duration: "expected a number with a unit: `60s`",
  time: "expected a date: `2026-10-01T12:00Z`",
  str: "expected a string in quotes",
  set: "expected a string in quotes",
  cidr: 'expected a block in quotes: `"10.0.0.0/8"`',
  path: "expected a pattern in quotes",
};

/** E0302, unless the literal was reported before. */
export function tellWrongKind(desk: Desk, field: FieldRef, literal: Literal): undefined {
  if (argumentOf(desk, literal).literal.kind === "broken") return undefined;
  tell(desk, {
    code: "E0302",
    span: literal.span,
    message: `\`${field.name}\` is ${typeWords(field.type, desk.table.vocabulary)}, but this is ${LITERAL_WORDS[literal.kind]}`,
    label: "wrong kind of value",
    helps: advice(WANTED_FORM[field.type.kind]),
  });
  return undefined;
}

/** Lower-case hex of a byte constant of the field's length; the digest of a file included. */
export function bytesOf(desk: Desk, field: FieldRef, written: Literal): string | undefined {
  const { literal, desk: place } = argumentOf(desk, written);
  if (literal.kind !== "bytes" && literal.kind !== "digest") return tellWrongKind(desk, field, written);
  const value = literal.kind === "bytes" ? literal.value : fileDigest(desk, place, literal);
  if (value === undefined) return undefined;
  const size = field.type.kind === "bytes" ? field.type.size : 0;
  if (value.length === 2 * size) return value;
  const hint = desk.table.vocabulary.hints.lengths.find(
    (one) => one.field === field.name && one.size * 2 === value.length,
  );
  tell(desk, {
    code: "E0303",
    span: written.span,
    message: `\`${field.name}\` is ${size} bytes, but this constant has ${value.length / 2}`,
    label: `${value.length} hex digits; ${2 * size} needed`,
    helps: hint === undefined ? [] : advice(hint.help),
  });
  return undefined;
}

function fileDigest(
  desk: Desk,
  place: Desk,
  literal: Extract<Literal, { readonly kind: "digest" }>,
): string | undefined {
  const path = literal.path.value;
  const digest = isBundlePath(path) ? place.digestOf(literal.algorithm, path) : undefined;
  if (digest === undefined) {
    const message = `there is no file \`${path}\` to take the digest of`;
    tell(desk, { code: "E0404", span: literal.path.span, message, label: "not in the bundle" });
  }
  return digest;
}

/** An integer from `least` to `most`. */
export function integerOf(
  desk: Desk,
  written: Literal,
  range: { readonly what: string; readonly least: number; readonly most: number },
): number | undefined {
  const { literal } = argumentOf(desk, written);
  if (literal.kind === "broken") return undefined;
  if (literal.kind !== "int") {
    const message = `${range.what} is a number, but this is ${LITERAL_WORDS[literal.kind]}`;
    tell(desk, { code: "E0302", span: written.span, message, label: "wrong kind of value" });
    return undefined;
  }
  if (literal.value >= range.least && literal.value <= range.most) return literal.value;
  tell(desk, {
    code: "E0204",
    span: written.span,
    message: `${range.what} goes from ${range.least} to ${range.most}`,
    label: "out of range",
  });
  return undefined;
}

/** The number that a literal is for an ordered field: a number, milliseconds or Unix seconds. */
export function orderedOf(desk: Desk, field: FieldRef, written: Literal): number | undefined {
  const { literal } = argumentOf(desk, written);
  const { type } = field;
  if (type.kind === "uint" && literal.kind === "int") {
    return integerOf(desk, written, { what: `\`${field.name}\``, least: 0, most: 2 ** type.bits - 1 });
  }
  if (type.kind === "duration" && literal.kind === "duration") return literal.value;
  if (type.kind === "duration" && literal.kind === "int") return tellUnit(desk, `\`${field.name}\``, written);
  if (type.kind === "time" && literal.kind === "date") return literal.value;
  return tellWrongKind(desk, field, written.kind === "name" ? written : literal);
}

function tellUnit(desk: Desk, what: string, written: Literal): undefined {
  const { literal } = argumentOf(desk, written);
  const text = literal.kind === "int" ? literal.text : "60";
  const { span } = written;
  tell(desk, {
    code: "E0305",
    span,
    message: `${what} is a duration and needs a unit`,
    label: "bare number",
    helps: choice(`write \`${text}s\` or \`${text}m\``, [
      { span, text: `${text}s` },
      { span, text: `${text}m` },
    ]),
  });
  return undefined;
}

/** Milliseconds of an obligation's duration, at least 1. */
export function durationOf(desk: Desk, what: string, written: Literal): number | undefined {
  const { literal } = argumentOf(desk, written);
  if (literal.kind === "broken") return undefined;
  if (literal.kind === "int") return tellUnit(desk, what, written);
  if (literal.kind !== "duration") {
    const message = `${what} is a duration, but this is ${LITERAL_WORDS[literal.kind]}`;
    tell(desk, { code: "E0302", span: written.span, message, label: "wrong kind of value" });
    return undefined;
  }
  if (literal.value > 0) return literal.value;
  tell(desk, {
    code: "E0204",
    span: written.span,
    message: `${what} is longer than nothing`,
    label: "out of range",
  });
  return undefined;
}

export function versionOf(desk: Desk, field: FieldRef, written: Literal): VersionFact | undefined {
  const { literal } = argumentOf(desk, written);
  return literal.kind === "version" ? literal.value : tellWrongKind(desk, field, written);
}

export function stringOf(desk: Desk, field: FieldRef, written: Literal): string | undefined {
  const { literal } = argumentOf(desk, written);
  return literal.kind === "string" ? literal.value : tellWrongKind(desk, field, written);
}

/** A value of an enum: a word, or a number where its values are numbers. */
export function wordOf(desk: Desk, field: FieldRef, written: Literal): string | undefined {
  const { literal } = argumentOf(desk, written);
  const values = field.type.kind === "enum" ? field.type.values : [];
  if (literal.kind !== "name" && literal.kind !== "int" && literal.kind !== "string") {
    return tellWrongKind(desk, field, written);
  }
  const text = literal.kind === "string" ? literal.value : literal.text;
  if (literal.kind !== "string" && values.includes(text)) return text;
  const quoted = literal.kind === "string" && values.includes(text);
  const meant = quoted ? text : meantName(desk, text, values);
  const question = quoted ? `write \`${text}\` without quotes` : `did you mean \`${meant}\`?`;
  tell(desk, {
    code: "E0304",
    span: written.span,
    message: `\`${text}\` is not a value of \`${field.name}\``,
    label: `expected one of: ${values.join(", ")}`,
    helps: meant === undefined ? [] : fix(question, written.span, meant),
  });
  return undefined;
}

/** The levels of a vector, by component. Reports unknown, repeated and too large ones; `undefined` if there were any. */
export function levelsOf(desk: Desk, literal: TcbLiteral): TcbFact | undefined {
  const levels: Record<string, number> = Object.create(null);
  let isFine = literal.items.length > 0;
  for (const item of literal.items) {
    const fault = faultOf(desk, item, levels);
    if (fault === undefined) levels[item.component.text] = item.level;
    else {
      isFine = false;
      tell(desk, fault);
    }
  }
  return isFine ? { ...levels } : undefined;
}

function faultOf(desk: Desk, item: TcbItem, before: TcbFact): Draft | undefined {
  const { component, level, levelSpan } = item;
  const known = desk.table.components.get(component.text);
  if (known === undefined) return unknownComponent(desk, item);
  if (component.text in before) {
    return {
      code: "E0331",
      span: component.span,
      message: `\`${component.text}\` stands here twice`,
      label: "given before",
    };
  }
  if (level <= known.max) return undefined;
  const message = `\`${component.text}\` goes from 0 to ${known.max}`;
  return { code: "E0204", span: levelSpan, message, label: "out of range" };
}

function unknownComponent(desk: Desk, { component }: TcbItem): Draft {
  const names = [...desk.table.components.keys()];
  const meant = meantName(desk, component.text, names);
  const list = `components are ${names.join(", ")}`;
  const helps =
    meant === undefined ? advice(list) : fix(`did you mean \`${meant}\`? ${list}`, component.span, meant);
  return {
    code: "E0310",
    span: component.span,
    message: `\`${component.text}\` is not a ${desk.table.vocabulary.vector} component`,
    label: "unknown component",
    helps,
  };
}

/** E0205. */
export function tellEmptyRange(desk: Desk, span: Span): undefined {
  tell(desk, { code: "E0205", span, message: "this range is empty", label: "it ends before it begins" });
  return undefined;
}
