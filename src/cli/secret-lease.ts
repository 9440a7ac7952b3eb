/** `ostiary secret lease PATH [--break FENCE]`: who holds a secret that one guest at a time may hold? */
import { formatInstant } from "../base/time.ts";
import { encodeLeaseState } from "../wire/lease.ts";
import type { LeaseState } from "../wire/secret-messages.ts";
import { ADMIN_OPTIONS, adminOptionsOf } from "./admin-session.ts";
import { countOf, oneWord, parseArguments } from "./arguments.ts";
import type { ExitStatus } from "./command.ts";
import type { SecretEdges } from "./secret-verb.ts";

const OPTIONS = { ...ADMIN_OPTIONS, break: { type: "string" } } as const;

export async function leaseOf(args: readonly string[], { open, terminal }: SecretEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const path = oneWord(positionals, "PATH");
  const fence = values.break === undefined ? undefined : countOf(values.break, "--break");
  const { client } = await open(adminOptionsOf(values));
  const state = fence === undefined ? await client.showLease(path) : await client.breakLease(path, { fence });
  terminal.out(values.json === true ? `${encodeLeaseState(state)}\n` : sentencesOf(path, state));
  return 0;
}

function sentencesOf(path: string, { seconds, isRunning, last }: LeaseState): string {
  const rule =
    seconds === undefined
      ? `any number of guests may hold ${path}\n`
      : `one guest at a time holds ${path}, for ${seconds} s unless it renews\n`;
  if (last === undefined) return `${rule}nobody has held it yet\n`;
  const { holder, fence, since, until, decision } = last;
  const who = holder === "" ? "whoever took it before the restore" : `${holder} (decision ${decision})`;
  const verb = isRunning ? "holds it until" : "held it until";
  return `${rule}${who} ${verb} ${formatInstant(until)}, since ${formatInstant(since)}, under fence ${fence}\n`;
}
