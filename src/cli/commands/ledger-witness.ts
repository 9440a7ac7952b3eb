/** `ledger witness`: what others run, so that a log cannot be cut back behind their backs. */
import { parseVerifierKey } from "../../ledger/note.ts";
import { noWords, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import type { LedgerEdges } from "../ledger-source.ts";

const MAX_LOGS = 1000;

/** Runs `ledger witness --data DIR --name NAME --log VKEY… [--listen HOST:PORT]`. */
export async function witness(
  args: readonly string[],
  edges: LedgerEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, {
    data: { type: "string" },
    name: { type: "string" },
    log: { type: "string", multiple: true },
    listen: { type: "string" },
  });
  noWords(positionals);
  const { data: folder, name, log = [], listen = "127.0.0.1:8482" } = values;
  if (folder === undefined || name === undefined || !/^[^\s+\p{Cc}]{1,255}$/u.test(name)) {
    throw new Misuse("expected --data DIR and --name NAME, which has neither space nor plus");
  }
  const logs = log.map((key) => parseVerifierKey(key, edges.primitives.digest));
  const origins = new Set(logs.map((key) => key.name));
  if (logs.length === 0 || logs.length > MAX_LOGS || origins.size !== logs.length) {
    throw new Misuse("expected --log VKEY for each log, as `ostiary ledger head` prints it, each once");
  }
  return edges.runWitness({ folder, name, logs, ...placeOf(listen) }, terminal);
}

function placeOf(text: string): { readonly host: string; readonly port: number } {
  const {
    host,
    ipv6,
    port = "",
  } = /^(?:\[(?<ipv6>[0-9a-f:]+)\]|(?<host>[^:\s]+)):(?<port>\d{1,5})$/i.exec(text)?.groups ?? {};
  const address = host ?? ipv6;
  if (address !== undefined && Number(port) <= 65_535) return { host: address, port: Number(port) };
  throw new Misuse(`expected --listen HOST:PORT, received \`${text}\``);
}
