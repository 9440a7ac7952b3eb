/** `ostiary agent get PATH…`: secrets, to a descriptor or a file in tmpfs. */
import { utf8 } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { type AgentFileEdges, agentOptionsFor } from "../agent-config.ts";
import { factsOf, sentenceOf, withSecrets } from "../agent-fetched.ts";
import { type Place, placeOf, sayTo } from "../agent-place.ts";
import {
  AGENT_OPTIONS,
  type FetchedSecrets,
  type FetchSecrets,
  type SecretRequest,
  wantedOf,
} from "../agent-session.ts";
import { parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";

type Format = "raw" | "hex" | "base64";

export interface GetEdges extends AgentFileEdges {
  readonly fetchSecrets: FetchSecrets;
  readonly writeSecrets: (secrets: readonly Uint8Array[], format: Format, place: Place) => Promise<void>;
}

export const GET_USAGE = `ostiary agent get PATH… [--fd N | --out FILE] [--format raw|hex|base64]
                       [--receipt FILE [--ledger-key VKEY|FILE]]
`;

export async function runGet(
  args: readonly string[],
  edges: GetEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, {
    ...AGENT_OPTIONS,
    fd: { type: "string" },
    out: { type: "string" },
    format: { type: "string" },
    receipt: { type: "string" },
    "ledger-key": { type: "string" },
  });
  if (positionals.length === 0) throw new Misuse("expected at least one PATH of a secret");
  const format = formatOf(values.format ?? "raw", positionals.length);
  const place = placeOf(values, terminal);
  const want = wantedOf(positionals, values.version);
  const options = await agentOptionsFor(values, edges, terminal);
  const request = { want, options, onWait: sayTo(terminal), ...receiptIn(values) };
  await withSecrets(edges, request, async (fetched) => {
    if (place !== undefined) {
      const plaintexts = fetched.secrets.map(({ secret }) => secret);
      await edges.writeSecrets(plaintexts, format, place);
    }
    if (values.json === true) terminal.out(`${canonicalJson(factsOf(fetched))}\n`);
    else terminal.err(sentenceOf(fetched));
    if (values.receipt !== undefined) await keepReceipt(values.receipt, fetched, terminal);
  });
  return 0;
}

function receiptIn(values: {
  readonly receipt?: string | undefined;
  readonly "ledger-key"?: string | undefined;
}): Pick<SecretRequest, "receipt"> {
  const { receipt, "ledger-key": ledgerKey } = values;
  if (receipt !== undefined) return { receipt: ledgerKey === undefined ? {} : { ledgerKey } };
  if (ledgerKey === undefined) return {};
  throw new Misuse("expected --receipt FILE with --ledger-key");
}

/** After the secrets: they are released, whatever becomes of the receipt. */
async function keepReceipt(file: string, { receipt }: FetchedSecrets, terminal: Terminal): Promise<void> {
  if (receipt instanceof Fault) throw receipt;
  if (receipt === undefined) throw new Fault("internal/invariant", "a receipt was wanted");
  await terminal.writeFile(file, utf8(receipt), 0o644);
}

function formatOf(word: string, count: number): Format {
  if (word === "raw" && count > 1) throw new Misuse("expected --format hex or base64 for several secrets");
  if (word === "raw" || word === "hex" || word === "base64") return word;
  throw new Misuse(`expected --format raw, hex or base64, received \`${word}\``);
}
