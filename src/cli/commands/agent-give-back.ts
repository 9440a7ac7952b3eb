/** `ostiary agent give-back PATH --fence N`: this guest holds the secret no longer, the next may have it. */
import { encodeLeaseReturn } from "../../wire/lease.ts";
import type { LeaseReturn } from "../../wire/secret-messages.ts";
import { type AgentFileEdges, agentOptionsFor } from "../agent-config.ts";
import { sayTo } from "../agent-place.ts";
import { AGENT_OPTIONS, type AgentOptions, type SecretRequest } from "../agent-session.ts";
import { countOf, oneWord, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";

export interface GiveBackRequest {
  readonly lease: LeaseReturn;
  readonly options: AgentOptions;
  readonly onWait: SecretRequest["onWait"];
}

/** @throws {@link Fault} the broker's no, `secret/not-leased` among them; what `FetchSecrets` throws. */
type GiveBack = (request: GiveBackRequest) => Promise<void>;

export interface GiveBackEdges extends AgentFileEdges {
  readonly giveBack: GiveBack;
}

export const GIVE_BACK_USAGE = "ostiary agent give-back PATH --fence N\n";

const OPTIONS = { ...AGENT_OPTIONS, fence: { type: "string" } } as const;

export async function runGiveBack(
  args: readonly string[],
  edges: GiveBackEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const secret = oneWord(positionals, "PATH");
  const { fence: text, json, ...rest } = values;
  if (text === undefined) throw new Misuse("expected --fence N: the one that came with the secret");
  const lease = { secret, fence: countOf(text, "--fence") };
  await edges.giveBack({
    lease,
    options: await agentOptionsFor(rest, edges, terminal),
    onWait: sayTo(terminal),
  });
  if (json === true) terminal.out(`${encodeLeaseReturn(lease)}\n`);
  else terminal.err(`ostiary: ${secret} is given back: another guest may have it\n`);
  return 0;
}
