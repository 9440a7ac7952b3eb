/** Runs `ostiary ledger …` as the command line would, against a broker at hand. */
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { Fault } from "../../src/base/fault.ts";
import { FAULT_CODES } from "../../src/base/fault-codes.ts";
import { exitStatusOf, type Terminal } from "../../src/cli/command.ts";
import { createLedgerCommand } from "../../src/cli/commands/ledger.ts";
import type { LedgerSource } from "../../src/cli/ledger-source.ts";
import { openLog, writeLogFile } from "../../src/runtime/node/log-files.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { saltIn } from "../../src/runtime/node/salt.ts";
import { AUDIENCE, type BrokerAtHand, brokerAtHand } from "../http/broker-at-hand.ts";
import { logOf } from "../ledger/entries.ts";

export interface Ended {
  readonly status: number;
  readonly out: string;
  readonly detail?: unknown;
}

/** Runs one command line, as `runCommandLine` would end it. */
export async function run(
  words: string,
  source?: LedgerSource,
  files: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  let out = "";
  const fileOf = (path: string): Uint8Array => {
    const text = files[path];
    if (text === undefined) throw new Fault("file/unusable", `no file \`${path}\``);
    return utf8(text);
  };
  const terminal: Terminal = {
    out: (text) => {
      out += text;
    },
    err: () => {},
    isTty: false,
    readFile: async (path) => fileOf(path),
    writeFile: async () => {},
  };
  const command = createLedgerCommand({
    primitives: nodePrimitives,
    openLedger: async () => {
      if (source === undefined) throw new Fault("broker/unreachable", "this verb asks no broker");
      return source;
    },
    runWitness: async ({ name, logs, host, port }) => {
      out += `${name} for ${logs.map((log) => log.name).join(" ")} on ${host} ${port}\n`;
      return 0;
    },
    readPieces: (path) => piecesOf(() => [fileOf(path)]),
    readSalt: saltIn,
    openLog,
    writeLogFile,
  });
  try {
    const status = await command.run(
      words.split(" ").filter((word) => word !== ""),
      terminal,
    );
    return { status, out };
  } catch (thrown) {
    const status = exitStatusOf(thrown, (fault) => FAULT_CODES[fault.code].status);
    return { status, out, detail: thrown instanceof Fault ? thrown.detail : undefined };
  }
}

/** A broker whose log holds so many admin acts. */
export async function brokerWithHistory(size: number, prefix?: string): Promise<BrokerAtHand> {
  const broker = brokerAtHand();
  await grow(broker, size, prefix);
  return broker;
}

/** So many acts more, each about what its position says. */
export async function grow({ world }: BrokerAtHand, added: number, prefix = "prod"): Promise<void> {
  const begin = await world.store.ledgerSize();
  for (let i = begin; i < begin + added; i += 1) {
    const subject = `${prefix}/disk-${i}@1`;
    const digest = hexOf(nodePrimitives.digest("sha256", utf8(subject)));
    const act = { v: 1, kind: "admin", time: world.now(), actor: "admin-1", act: "secret-put" } as const;
    await world.store.appendEntry({ ...act, subject, digest }); // in order: the log is
  }
}

export async function sourceOfLog(size: number): Promise<LedgerSource> {
  const broker = brokerAtHand();
  for (const { seq: _, ...draft } of logOf(size)) await broker.world.store.appendEntry(draft); // in order: the log is
  return sourceOf(broker);
}

export function sourceOf({ admin, world }: BrokerAtHand): LedgerSource {
  const { checkpoint, ledgerPage, inclusion, consistency, forgetTraces } = admin;
  return {
    audience: AUDIENCE,
    spki: world.ledgerSigner.spki,
    checkpoint,
    ledgerPage,
    inclusion,
    consistency,
    forgetTraces,
  };
}

export async function* piecesOf(
  read: () => readonly Uint8Array[],
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* read();
}
