/** `ostiary approval …`: requests that wait for people, and one person's word to one of them. */
import type { Primitives } from "../../base/primitives.ts";
import { formatInstant } from "../../base/time.ts";
import { requestDigest, signRequestApproval } from "../../policy/request-approvals.ts";
import type { WaitingSummary } from "../../wire/approval-messages.ts";
import { encodeWaitingList } from "../../wire/approvals.ts";
import {
  ADMIN_OPTIONS,
  ADMIN_USAGE,
  adminOptionsOf,
  type OpenAdminSession,
  openedBy,
} from "../admin-session.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type Command, type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { tableOf } from "../table.ts";

const USAGE = `ostiary approval list            requests that lack nothing but approvals, and who gave theirs
ostiary approval give REQUEST    your approval of one, signed over what is shown; REQUEST may be its first 8 digits

An approval is for this start of this guest, this secret and this channel. It serves one release, and ends after the minutes
that the policy says (15, at most 60). The guest asks again by itself while its --deadline lasts.

${ADMIN_USAGE}`;

interface Edges {
  readonly open: OpenAdminSession;
  readonly digest: Primitives["digest"];
}

/** Makes the verb; `open` gives it the client and the key that its options name. */
export function createApprovalCommand(edges: Edges): Command {
  return {
    name: "approval",
    summary: "requests of guests that wait for people: list, give",
    usage: USAGE,
    run: async ([name, ...rest], terminal) => {
      if (name === "list") return list(rest, edges, terminal);
      if (name === "give") return give(rest, edges, terminal);
      throw new Misuse("expected list or give after `approval`");
    },
  };
}

async function list(args: readonly string[], { open }: Edges, terminal: Terminal): Promise<ExitStatus> {
  const { client, json } = await openedBy(args, open);
  tell(await client.listWaiting(), json, terminal);
  return 0;
}

/** What is signed is what was shown: the digest is made here, over the rows of the list, and never taken from the broker. */
async function give(
  args: readonly string[],
  { open, digest }: Edges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  const word = oneWord(positionals, "REQUEST");
  if (!/^[0-9a-f]{8,64}$/.test(word))
    throw new Misuse("expected 8 to 64 digits of a request, as `approval list` shows");
  const { client, audience, signer, now } = await open(adminOptionsOf(values));
  const found = (await client.listWaiting()).filter((waiting) =>
    requestDigest({ ...subjectOf(waiting), audience }, digest).startsWith(word),
  );
  const [waiting] = found;
  if (waiting === undefined || found.length > 1) {
    throw new Misuse(`expected one request that waits and begins with ${word}, found ${found.length}`);
  }
  terminal.err(wordsOf(waiting));
  const statement = await signRequestApproval({ ...subjectOf(waiting), audience, at: now() }, signer);
  tell(await client.approveRequest(statement), values.json, terminal);
  return 0;
}

function subjectOf({ resource, op, report, channel }: WaitingSummary) {
  return { resource, op, report, channel };
}

function wordsOf({ resource, op, report, channel, source, decision }: WaitingSummary): string {
  return `approves ${op} of ${resource} to the guest ${report} over ${channel}, which asks from ${source} (decision ${decision})\n`;
}

function tell(waiting: readonly WaitingSummary[], isJson: boolean | undefined, terminal: Terminal): void {
  if (isJson === true) {
    terminal.out(`${encodeWaitingList(waiting)}\n`);
    return;
  }
  const rows = waiting.map(
    ({ request, resource, op, report, channel, source, since, groups, approvedBy }) => [
      request.slice(0, SHOWN_DIGITS),
      resource,
      op,
      report.slice(0, SHOWN_DIGITS),
      channel,
      source,
      formatInstant(since),
      groups.join(" "),
      approvedBy.join(" "),
    ],
  );
  const head = ["REQUEST", "RESOURCE", "OP", "GUEST", "CHANNEL", "FROM", "SINCE", "GROUPS", "APPROVED BY"];
  terminal.out(tableOf([head, ...rows]));
}

const SHOWN_DIGITS = 16;
