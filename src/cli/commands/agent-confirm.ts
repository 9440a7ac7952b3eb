/** `ostiary agent confirm PATH --version N`: this version is in use here, earlier ones are not needed any more. */

import { encodeConfirmAnswer } from "../../wire/readers.ts";
import type { ConfirmAnswer, UseConfirmation } from "../../wire/secret-messages.ts";
import { type AgentFileEdges, agentOptionsFor } from "../agent-config.ts";
import { sayTo } from "../agent-place.ts";
import { AGENT_OPTIONS, type AgentOptions, type SecretRequest } from "../agent-session.ts";
import { countOf, oneWord, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";

export interface ConfirmRequest {
  readonly confirmation: UseConfirmation;
  readonly options: AgentOptions;
  readonly onWait: SecretRequest["onWait"];
}

/** @throws {@link Fault} the broker's no, `secret/not-read` among them; what `FetchSecrets` throws. */
type ConfirmUse = (request: ConfirmRequest) => Promise<ConfirmAnswer>;

export interface ConfirmEdges extends AgentFileEdges {
  readonly confirmUse: ConfirmUse;
}

export const CONFIRM_USAGE = "ostiary agent confirm PATH --version N [--also REPORT_ID]…\n";

const OPTIONS = { ...AGENT_OPTIONS, also: { type: "string", multiple: true } } as const;

export async function runConfirm(
  args: readonly string[],
  edges: ConfirmEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const secret = oneWord(positionals, "PATH");
  const { version: text, also, json, ...rest } = values;
  if (text === undefined) throw new Misuse("expected --version N: which version is in use here");
  const version = countOf(text, "--version");
  const stray = also?.find((id) => !/^[0-9a-f]{64}$/.test(id));
  if (stray !== undefined)
    throw new Misuse(`expected --also with 64 hex digits of a report id, received \`${stray}\``);
  const confirmation = { secret, version, ...(also === undefined ? {} : { also }) };
  const answer = await edges.confirmUse({
    confirmation,
    options: await agentOptionsFor(rest, edges, terminal),
    onWait: sayTo(terminal),
  });
  if (json === true) terminal.out(`${encodeConfirmAnswer(answer)}\n`);
  else terminal.err(sentenceOf(confirmation, answer));
  return 0;
}

function sentenceOf({ secret, version }: UseConfirmation, { replaced }: ConfirmAnswer): string {
  const what =
    replaced.length === 0 ? "nothing earlier was held" : `no longer held: version ${replaced.join(", ")}`;
  return `ostiary: version ${version} of ${secret} is in use here; ${what}\n`;
}
