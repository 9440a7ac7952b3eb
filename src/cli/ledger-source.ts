/** Where do the verbs on the ledger find one? At a broker, or in an exported file. */
import type { Primitives } from "../base/primitives.ts";
import type { AdminClient } from "../client/admin.ts";
import type { NoteKey } from "../ledger/note.ts";
import type { ReadLogFile } from "../ledger/published-log.ts";
import type { AdminOptions } from "./admin-session.ts";
import type { ExitStatus, Terminal } from "./command.ts";

/** A broker's log, with the key that its heads are signed with. */
export interface LedgerSource
  extends Pick<AdminClient, "checkpoint" | "ledgerPage" | "inclusion" | "consistency" | "forgetTraces"> {
  readonly audience: string;
  /** DER SubjectPublicKeyInfo of the ledger key. */
  readonly spki: Uint8Array;
}

export interface WitnessOptions {
  /** Key and memory of the witness; made where it is not there yet. */
  readonly folder: string;
  readonly name: string;
  readonly logs: readonly NoteKey[];
  readonly host: string;
  readonly port: number;
}

/** Serves until a signal. @throws {@link Fault} `file/unusable`, `config/invalid`. */
export type RunWitness = (options: WitnessOptions, terminal: Terminal) => Promise<ExitStatus>;

export interface LedgerEdges {
  readonly primitives: Primitives;
  /** @throws {@link Fault} `file/unusable`, `config/invalid`, `broker/unreachable`. */
  readonly openLedger: (options: AdminOptions) => Promise<LedgerSource>;
  readonly runWitness: RunWitness;
  /** The bytes of a file in pieces; `-` is standard input. Iterating throws {@link Fault} `file/unusable`. */
  readonly readPieces: (path: string) => AsyncIterable<Uint8Array>;
  /** What names are salted with. @throws {@link Fault} `file/unusable`. */
  readonly readSalt: (path: string) => Promise<Uint8Array>;
  /** The files of a log in a folder or under an address; `undefined` where the place is one file, or none. */
  readonly openLog: (place: string) => Promise<ReadLogFile | undefined>;
  /** Puts a file of a log into a folder, for everybody to read, whole or not at all. @throws {@link Fault} `file/unusable`. */
  readonly writeLogFile: (folder: string, name: string, bytes: Uint8Array) => Promise<void>;
}
