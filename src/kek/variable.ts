/** How does a key-encryption key come by an environment variable? As 64 hexadecimal digits, and it is taken out of the environment. */
import { isZero, parseHex } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Kek } from "../broker/world.ts";
import { type KekParts, kekOf } from "./key.ts";

const DIGITS = /^[0-9a-f]{64}$/i;

/**
 * Opens the key-encryption key in a variable, and deletes the variable, so that no child process inherits it. The same 32 bytes
 * in a file are the same key.
 *
 * @throws {@link Fault} `kek/unavailable`; the message never quotes the value.
 */
export function openKekVariable(
  name: string,
  environment: Record<string, string | undefined>,
  parts: KekParts,
): Kek {
  const value = environment[name];
  delete environment[name];
  return openKekDigits(name, value, parts);
}

/** The same of a value that is there. @throws {@link Fault} `kek/unavailable`; the message never quotes the value. */
export function openKekDigits(name: string, value: string | undefined, parts: KekParts): Kek {
  if (value === undefined) throw unavailable(name, "is not set");
  const key = DIGITS.test(value) ? parseHex(value.toLowerCase()) : undefined;
  if (key === undefined || isZero(key))
    throw unavailable(name, "does not hold a key of 64 hexadecimal digits");
  return kekOf(key, parts);
}

function unavailable(name: string, sentence: string): Fault {
  return new Fault("kek/unavailable", `the environment variable \`${name}\` ${sentence}`, { variable: name });
}
