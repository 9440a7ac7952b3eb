/** What is a verb of the command line? A name, its usage, and a function from arguments to an exit status. */
import { Fault } from "../base/fault.ts";

/** 0 yes or done, 1 an honest no, 2 misuse, 3 the broker or a file cannot be reached or used (PRODUCT section 1). */
export type ExitStatus = 0 | 1 | 2 | 3;

/** That of a program that a verb ran: 0 to 255. */
export type ProgramStatus = number;

/** What a verb may touch of the machine; `runtime/node/cli.ts` makes the real one, tests make their own. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Colour and progress are for terminals only. */
  readonly isTty: boolean;
  /** @throws {@link Fault} `file/unusable`. `-` is standard input; at most `maxBytes` (16 MiB unless given). */
  readonly readFile: (path: string, maxBytes?: number) => Promise<Uint8Array>;
  /**
   * Writes a new or replaced file, whole or not at all, with mode 0600 unless `mode` says otherwise; `kept` is that of the file
   * that is there, which a link may lead to. @throws {@link Fault} `file/unusable`.
   */
  readonly writeFile: (path: string, bytes: Uint8Array, mode?: number | "kept") => Promise<void>;
}

/** A verb. `run` gets what stands after its name. Misuse is thrown as {@link Misuse}, everything else as a Fault. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  readonly run: (args: readonly string[], terminal: Terminal) => Promise<ExitStatus | ProgramStatus>;
}

/** Wrong words on the command line: what was expected, in one sentence. Exit status 2. */
export class Misuse extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Misuse";
  }
}

const CANNOT_BE_USED = new Set([503]);
const UNUSABLE_CODES = new Set([
  "file/unusable",
  "config/invalid",
  "ledger/malformed",
  "secret/malformed",
  "store/malformed-backup",
  "measurement/bad-firmware",
  "measurement/bad-igvm",
  "reference/malformed",
]);

/** Which exit status a thrown value stands for: 2 misuse, 3 something cannot be reached or used, else an honest no. */
export function exitStatusOf(thrown: unknown, statusOf: (fault: Fault) => number): ExitStatus {
  if (thrown instanceof Misuse) return 2;
  if (!(thrown instanceof Fault)) return 3;
  return UNUSABLE_CODES.has(thrown.code) || CANNOT_BE_USED.has(statusOf(thrown)) ? 3 : 1;
}
