/** `ostiary agent put PATH --file FILE [--cas N]`: the next version of a secret, from this guest. */

import { canonicalJson } from "../../base/canonical-json.ts";
import { MAX_SECRET_BYTES } from "../../wire/limits.ts";
import { type AgentFileEdges, agentOptionsFor } from "../agent-config.ts";
import { sayTo } from "../agent-place.ts";
import { AGENT_OPTIONS, type AgentOptions, type SecretRequest } from "../agent-session.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";

export interface PutRequest {
  readonly path: string;
  /** Overwritten by the verb. */
  readonly secret: Uint8Array;
  readonly cas: number | undefined;
  readonly options: AgentOptions;
  readonly onWait: SecretRequest["onWait"];
}

/** @throws {@link Fault} the broker's no, `secret/other-version` among them; what `FetchSecrets` throws. */
type PutSecret = (request: PutRequest) => Promise<{ readonly decision: string; readonly version: number }>;

export interface PutEdges extends AgentFileEdges {
  readonly putSecret: PutSecret;
}

export const PUT_USAGE = "ostiary agent put PATH --file FILE [--cas N]\n";

const OPTIONS = { ...AGENT_OPTIONS, file: { type: "string" }, cas: { type: "string" } } as const;

export async function runPut(
  args: readonly string[],
  edges: PutEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const path = oneWord(positionals, "PATH");
  const { file, cas: text, json, version, ...rest } = values;
  if (version !== undefined) throw new Misuse("expected --cas N: a version is made here, not named");
  if (file === undefined)
    throw new Misuse("expected --file FILE, or - for standard input: never an argument");
  const cas = text === undefined ? undefined : casOf(text);
  const options = await agentOptionsFor(rest, edges, terminal);
  const secret = await terminal.readFile(file, MAX_SECRET_BYTES);
  try {
    const written = await edges.putSecret({ path, secret, cas, options, onWait: sayTo(terminal) });
    if (json === true) terminal.out(`${canonicalJson({ ...written })}\n`);
    else terminal.err(`ostiary: wrote version ${written.version} of ${path}, decision ${written.decision}\n`);
    return 0;
  } finally {
    secret.fill(0);
  }
}

function casOf(text: string): number {
  if (/^(?:0|[1-9][0-9]{0,8})$/.test(text)) return Number(text);
  throw new Misuse(`expected --cas as a whole number, received \`${text}\``);
}
