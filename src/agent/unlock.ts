/** How does a released key open a volume? By cryptsetup, which gets it on its standard input and nowhere else. */
import { spawn } from "node:child_process";
import { Fault } from "../base/fault.ts";

/** A LUKS volume, and what to do with it: open it as `/dev/mapper/NAME`, or only try the key. */
export type Volume =
  | { readonly device: string; readonly name: string }
  | { readonly device: string; readonly isTest: true };

export type Unlocked = "unlocked" | "wrong-key";

export interface UnlockOptions {
  /** The program; found on PATH unless it is a path. */
  readonly cryptsetup?: string;
  readonly timeoutMs?: number;
}

/** A memory-hard key slot may take its time; a device that hangs may not. */
const TIMEOUT_MS = 120_000;
/** "no permission (bad passphrase)", cryptsetup(8). */
const WRONG_KEY_STATUS = 2;
const MAX_SAID = 500;

/**
 * Opens a volume, or tries a key on it.
 *
 * @param key - The bytes of the key; copied to a pipe, never into an argument, the environment or a file.
 * @throws {@link Fault} `file/unusable` where cryptsetup is not installed, ends otherwise, or takes too long.
 */
export async function unlock(
  key: Uint8Array,
  volume: Volume,
  { cryptsetup = "cryptsetup", timeoutMs = TIMEOUT_MS }: UnlockOptions = {},
): Promise<Unlocked> {
  const { status, said } = await run(cryptsetup, wordsOf(volume), { key, timeoutMs });
  if (status === 0) return "unlocked";
  if (status === WRONG_KEY_STATUS) return "wrong-key";
  const how =
    status === undefined ? "was ended by a signal or by its time limit" : `ended with status ${status}`;
  throw new Fault("file/unusable", `cryptsetup ${how} for \`${volume.device}\``, said === "" ? {} : { said });
}

function wordsOf(volume: Volume): readonly string[] {
  return "name" in volume
    ? ["luksOpen", "--key-file", "-", "--", volume.device, volume.name]
    : ["open", "--test-passphrase", "--key-file", "-", "--", volume.device];
}

interface Ended {
  /** `undefined` where a signal ended it. */
  readonly status: number | undefined;
  readonly said: string;
}

function run(
  program: string,
  words: readonly string[],
  { key, timeoutMs }: { readonly key: Uint8Array; readonly timeoutMs: number },
): Promise<Ended> {
  return new Promise((done, failed) => {
    const child = spawn(program, words, {
      stdio: ["pipe", "ignore", "pipe"],
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    let said = "";
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (piece: string) => {
      said = `${said}${piece}`.slice(0, MAX_SAID);
    });
    child.once("error", () => {
      failed(new Fault("file/unusable", `\`${program}\` cannot be run: install cryptsetup`, { program }));
    });
    child.once("close", (status) => done({ status: status ?? undefined, said: said.trim() }));
    // A program that ends before it reads says why by its status; the broken pipe adds nothing.
    child.stdin.on("error", () => undefined);
    child.stdin.end(key);
  });
}
