/** How are values, attributes and their presence written in Cedar? A flat record of attributes, named as the fields are. */
import { formatInstant, instant } from "../../base/time.ts";
import type { VersionFact } from "../facts.ts";
import type { Block, FieldRef, Interval, Window } from "../program.ts";

export const ALWAYS = "true";
export const NEVER = "false";

export function quoted(text: string): string {
  const escaped = [...text].map((character) => {
    const code = character.codePointAt(0) ?? 0;
    const isPlain = code >= 0x20 && code < 0x7f && character !== '"' && character !== "\\";
    if (isPlain) return character;
    return character === '"' || character === "\\" ? `\\${character}` : `\\u{${code.toString(16)}}`;
  });
  return `"${escaped.join("")}"`;
}

export function list(values: readonly string[]): string {
  return `[${values.map(quoted).join(", ")}]`;
}

export function attribute(key: string): string {
  return `context[${quoted(key)}]`;
}

export function presence(key: string): string {
  return `context has ${quoted(key)}`;
}

/** All of them; one that is always true is left out. */
export function every(...parts: readonly string[]): string {
  if (parts.includes(NEVER)) return NEVER;
  return joined(
    parts.filter((part) => part !== ALWAYS),
    " && ",
    ALWAYS,
  );
}

/** One of them at least. */
export function some(...parts: readonly string[]): string {
  if (parts.includes(ALWAYS)) return ALWAYS;
  return joined(
    parts.filter((part) => part !== NEVER),
    " || ",
    NEVER,
  );
}

export function not(part: string): string {
  if (part === ALWAYS) return NEVER;
  return part === NEVER ? ALWAYS : `!(${part})`;
}

function joined(parts: readonly string[], mark: string, none: string): string {
  const [first] = parts;
  if (first === undefined) return none;
  return parts.length === 1 ? first : `(${parts.join(mark)})`;
}

/** What stands for the field, once its presence is known. */
export function valueText({ key, component, fallback }: FieldRef): string {
  if (fallback !== undefined) return `(if ${presence(key)} then ${attribute(key)} else ${fallback})`;
  return component === undefined ? attribute(key) : `${attribute(key)}[${quoted(component)}]`;
}

/** Where the field is there: always, unless the vocabulary says that it may be absent. */
export function presenceOf({ key, component, absentWhere }: FieldRef): string {
  if (absentWhere === undefined) return ALWAYS;
  const whole = presence(key);
  return component === undefined ? whole : `(${whole} && ${attribute(key)} has ${quoted(component)})`;
}

export function moment(seconds: number): string {
  return `datetime(${quoted(formatInstant(instant(seconds)))})`;
}

/** Half open. */
export function during(time: string, window: Window | undefined): string {
  if (window === undefined) return ALWAYS;
  const after = `${time} >= ${moment(window.from)}`;
  return window.to === undefined ? after : every(after, `${time} < ${moment(window.to)}`);
}

/** Both ends count. */
export function within(value: string, { least, most }: Interval, write: (bound: number) => string): string {
  if (least !== undefined && least === most) return `${value} == ${write(least)}`;
  return every(
    least === undefined ? ALWAYS : `${value} >= ${write(least)}`,
    most === undefined ? ALWAYS : `${value} <= ${write(most)}`,
  );
}

const PARTS = ["major", "minor", "patch"] as const;

/** Versions are records of three numbers, compared in order. */
export function isLess(value: string, than: VersionFact): string {
  const cases = PARTS.map((part, at) =>
    every(
      ...PARTS.slice(0, at).map((before, index) => `${value}.${before} == ${than[index] ?? 0}`),
      `${value}.${part} < ${than[at] ?? 0}`,
    ),
  );
  return some(...cases);
}

export function isVersion(value: string, wanted: VersionFact): string {
  return every(...PARTS.map((part, at) => `${value}.${part} == ${wanted[at] ?? 0}`));
}

/** An address block as Cedar's `ip` reads it. */
export function blockText({ family, base, prefix }: Block): string {
  const width = family === 4 ? 8n : 16n;
  const count = family === 4 ? 4 : 8;
  const groups = Array.from(
    { length: count },
    (_, at) => (base >> (width * BigInt(count - 1 - at))) & ((1n << width) - 1n),
  );
  const text = family === 4 ? groups.join(".") : groups.map((group) => group.toString(16)).join(":");
  return `ip(${quoted(`${text}/${prefix}`)})`;
}
