/** `ostiary audience …`: whom tokens may be for. Policy releases them as `token/NAME`. */
import { formatInstant } from "../../base/time.ts";
import { encodeAudienceList, encodeAudienceSummary } from "../../wire/audience.ts";
import type { AudienceSummary } from "../../wire/messages.ts";
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

const USAGE = `ostiary audience add NAME --aud AUD [--bearer]   tokens for AUD, released by policy as token/NAME
ostiary audience list                            every registered audience
ostiary audience remove NAME                     no token for it from now on

--bearer makes tokens that whoever holds one may use, for relying parties that check no proof of a key. The log says so
for the audience and for every such token.

${ADMIN_USAGE}`;

/** Makes the verb; `open` gives it the client that its options name. */
export function createAudienceCommand(open: OpenAdminSession): Command {
  return {
    name: "audience",
    summary: "token audiences: add, list, remove",
    usage: USAGE,
    run: async ([name, ...rest], terminal) => {
      if (name === "add") return add(rest, open, terminal);
      if (name === "list") return list(rest, open, terminal);
      if (name === "remove") return remove(rest, open, terminal);
      throw new Misuse("expected add, list or remove after `audience`");
    },
  };
}

async function add(args: readonly string[], open: OpenAdminSession, terminal: Terminal): Promise<ExitStatus> {
  const options = { ...ADMIN_OPTIONS, aud: { type: "string" }, bearer: { type: "boolean" } } as const;
  const { values, positionals } = parseArguments(args, options);
  const name = oneWord(positionals, "NAME");
  const { aud, bearer } = values;
  if (aud === undefined || aud === "") throw new Misuse("expected --aud AUD: what tokens say in `aud`");
  const { client } = await open(adminOptionsOf(values));
  const added = await client.addAudience(name, { aud, isBearer: bearer === true });
  terminal.out(values.json === true ? `${encodeAudienceSummary(added)}\n` : `token/${name} is for ${aud}\n`);
  return 0;
}

async function list(
  args: readonly string[],
  open: OpenAdminSession,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { client, json } = await openedBy(args, open);
  printAudiences(await client.listAudiences(), json, terminal);
  return 0;
}

async function remove(
  args: readonly string[],
  open: OpenAdminSession,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  const name = oneWord(positionals, "NAME");
  const { client } = await open(adminOptionsOf(values));
  printAudiences(await client.removeAudience(name), values.json, terminal);
  return 0;
}

function printAudiences(
  audiences: readonly AudienceSummary[],
  isJson: boolean | undefined,
  terminal: Terminal,
): void {
  if (isJson === true) {
    terminal.out(`${encodeAudienceList(audiences)}\n`);
    return;
  }
  const head = ["NAME", "AUD", "BOUND TO", "SINCE", "BY"];
  const rows = audiences.map(({ name, aud, isBearer, createdAt, createdBy }) => [
    name,
    aud,
    isBearer ? "nothing (bearer)" : "the guest's key",
    formatInstant(createdAt),
    createdBy,
  ]);
  terminal.out(audiences.length === 0 ? "no audiences\n" : tableOf([head, ...rows]));
}
