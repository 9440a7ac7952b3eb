/** Where are the real vectors? Beside the project; tests that need them say plainly when they are not there. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "vitest";

const candidate = join(import.meta.dirname, "../../../shared/vectors");

/** The folder of real data, or `undefined` when this clone stands alone. */
export const sharedVectors: string | undefined = existsSync(candidate) ? candidate : undefined;

/** Normative documents beside the project (protocol vectors, Writ examples), or `undefined`. */
export const sharedDesign: string | undefined =
  sharedVectors === undefined ? undefined : join(sharedVectors, "../design");

/** A test that needs the real vectors; without them it is skipped by name with the reason. */
export const itWithVectors =
  sharedVectors === undefined
    ? (name: string, _test: () => void | Promise<void>): void =>
        it.skip(`${name} (no ../shared/vectors here)`)
    : (name: string, test: () => void | Promise<void>): void => it(name, test);

/** Reads a file of the shared vectors. */
export function readVector(...path: readonly string[]): Uint8Array {
  if (sharedVectors === undefined) throw new Error("the shared vectors are not beside this project");
  return Uint8Array.from(readFileSync(join(sharedVectors, ...path)));
}

/** Reads a JSON file of the shared vectors; the caller names its shape. */
export function readVectorJson<T>(...path: readonly string[]): T {
  return JSON.parse(new TextDecoder().decode(readVector(...path)));
}
