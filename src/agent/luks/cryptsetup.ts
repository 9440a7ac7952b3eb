/** How is cryptsetup run? With its words, a key on standard input, and files that have no name. */
import { spawn } from "node:child_process";
import { Fault } from "../../base/fault.ts";

export interface CryptsetupOptions {
  /** The program; found on PATH unless it is a path. */
  readonly cryptsetup?: string;
  readonly timeoutMs?: number;
}

/** Nobody guesses a random secret of 32 bytes; more iterations would add nothing (consumers, section 2). */
export const PBKDF = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"];

/** What one run is given. */
export interface CryptsetupInput {
  /** Copied to a pipe, never into an argument, the environment or a file. */
  readonly key: Uint8Array;
  /** Open files, which the program has as descriptors 3, 4 … */
  readonly files?: readonly number[];
}

export interface Ended {
  /** `undefined` where a signal ended it, or its time limit. */
  readonly status: number | undefined;
  readonly said: string;
}

/** The name of the file that is given at this place of {@link CryptsetupInput.files}. */
export function givenFile(place: number): string {
  return `/proc/self/fd/${FIRST_DESCRIPTOR + place}`;
}

const FIRST_DESCRIPTOR = 3;
/** A memory-hard key slot may take its time; a device that hangs may not. */
const TIMEOUT_MS = 120_000;
const MAX_SAID = 500;
/** "no permission (bad passphrase)", cryptsetup(8). */
const WRONG_KEY_STATUS = 2;

/** @throws {@link Fault} `file/unusable` where the program cannot be run. */
export function runCryptsetup(
  words: readonly string[],
  { key, files = [] }: CryptsetupInput,
  { cryptsetup: program = "cryptsetup", timeoutMs = TIMEOUT_MS }: CryptsetupOptions,
): Promise<Ended> {
  return new Promise((done, failed) => {
    const child = spawn(program, words, {
      stdio: ["pipe", "ignore", "pipe", ...files],
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    const [stdin, , stderr] = child.stdio;
    let said = "";
    stderr?.setEncoding("utf8");
    stderr?.on("data", (piece: string) => {
      said = `${said}${piece}`.slice(0, MAX_SAID);
    });
    child.once("error", () => {
      failed(new Fault("file/unusable", `\`${program}\` cannot be run: install cryptsetup`, { program }));
    });
    child.once("close", (status) => done({ status: status ?? undefined, said: said.trim() }));
    // A program that ends before it reads says why by its status; the broken pipe adds nothing.
    stdin?.on("error", () => undefined);
    stdin?.end(key);
  });
}

/** Whether it did it; no for a key that opens nothing. @throws {@link Fault} `file/unusable` for every other end. */
export function isDone({ status, said }: Ended, device: string): boolean {
  if (status === 0) return true;
  if (status === WRONG_KEY_STATUS) return false;
  const how =
    status === undefined ? "was ended by a signal or by its time limit" : `ended with status ${status}`;
  throw new Fault("file/unusable", `cryptsetup ${how} for \`${device}\``, said === "" ? {} : { said });
}
