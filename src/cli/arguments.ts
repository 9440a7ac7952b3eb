/** How are the words after a verb read? Strictly; what does not fit is misuse, said in one sentence. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { Misuse } from "./command.ts";

/** Reads options and positional words. @throws {@link Misuse}. */
export function parseArguments<T extends NonNullable<ParseArgsConfig["options"]>>(
  args: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (thrown) {
    throw new Misuse(thrown instanceof Error ? firstSentenceOf(thrown.message) : "expected other options");
  }
}

function firstSentenceOf(message: string): string {
  return message.split(". ", 1).join("");
}

/** The one word that is expected. @throws {@link Misuse} for none or several. */
export function oneWord(words: readonly string[], name: string): string {
  const [word] = words;
  if (word !== undefined && words.length === 1) return word;
  throw new Misuse(`expected one ${name}, received ${words.length} words`);
}

/** @throws {@link Misuse} for any word. */
export function noWords(words: readonly string[]): void {
  if (words.length > 0) throw new Misuse(`expected no further words, received ${words.length}`);
}

/** A word of a form. `expected` says which, as an option is written. @throws {@link Misuse}. */
export function wordLike(text: string | undefined, pattern: RegExp, expected: string): string {
  if (text !== undefined && pattern.test(text)) return text;
  throw new Misuse(`expected ${expected}${text === undefined ? "" : `, received \`${text}\``}`);
}

/** A whole number of at least 1. @throws {@link Misuse}. */
export function countOf(text: string, name: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new Misuse(`expected a whole number for ${name}, received \`${text}\``);
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** A time as a whole number with its unit: `90s`, `15m`, `12h`, `7d`. In seconds. @throws {@link Misuse}. */
export function secondsOf(text: string, name: string): number {
  const [, digits, unit = ""] = /^([1-9]\d{0,6})([smhd])$/.exec(text) ?? [];
  const seconds = UNIT_SECONDS[unit];
  if (digits !== undefined && seconds !== undefined) return Number(digits) * seconds;
  throw new Misuse(`expected ${name} as 90s, 15m, 12h or 7d, received \`${text}\``);
}
