/** `ostiary token …`: the keys that sign tokens, whether a token counts, and decisions whose tokens count no more. */
import { formatInstant, instant } from "../../base/time.ts";
import type { Introspection, TokenKeySummary } from "../../wire/messages.ts";
import { encodeRevocation } from "../../wire/revocation.ts";
import { encodeIntrospection } from "../../wire/token.ts";
import { encodeTokenKeyList } from "../../wire/token-key.ts";
import {
  ADMIN_OPTIONS,
  ADMIN_USAGE,
  adminOptionsOf,
  type OpenAdminSession,
  openedBy,
} from "../admin-session.ts";
import { noWords, oneWord, parseArguments } from "../arguments.ts";
import { type Command, type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { tableOf } from "../table.ts";

const MAX_TOKEN_BYTES = 64 * 1024;

const USAGE = `ostiary token keys                      the published keys that sign tokens, oldest first
ostiary token rotate [--withdraw]       the next key: published now, signing in ten minutes
ostiary token revoke DECISION           the tokens of this decision count no more
ostiary token introspect [--file FILE]  whether a token counts now, from FILE or standard input

--withdraw is for a key that leaked: the next one signs at once, and tokens of all earlier ones count no more.
Revoked is what the broker no longer takes; a relying party that asks nobody learns of it when the token ends. introspect
ends with status 1 for a token that does not count.

${ADMIN_USAGE}`;

/** Makes the verb; `open` gives it the client that its options name. */
export function createTokenCommand(open: OpenAdminSession): Command {
  return {
    name: "token",
    summary: "tokens: keys that sign them, revocation, introspection",
    usage: USAGE,
    run: async ([name, ...rest], terminal) => {
      if (name === "keys") return keys(rest, open, terminal);
      if (name === "rotate") return rotate(rest, open, terminal);
      if (name === "revoke") return revoke(rest, open, terminal);
      if (name === "introspect") return introspect(rest, open, terminal);
      throw new Misuse("expected keys, rotate, revoke or introspect after `token`");
    },
  };
}

async function keys(
  args: readonly string[],
  open: OpenAdminSession,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { client, json } = await openedBy(args, open);
  printKeys(await client.listTokenKeys(), json, terminal);
  return 0;
}

async function rotate(
  args: readonly string[],
  open: OpenAdminSession,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, { ...ADMIN_OPTIONS, withdraw: { type: "boolean" } });
  noWords(positionals);
  const { client } = await open(adminOptionsOf(values));
  printKeys(await client.rotateTokenKey({ withdraws: values.withdraw === true }), values.json, terminal);
  return 0;
}

async function revoke(
  args: readonly string[],
  open: OpenAdminSession,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  const decision = oneWord(positionals, "DECISION");
  const { client } = await open(adminOptionsOf(values));
  const revocation = await client.revokeDecision(decision);
  const { at, by } = revocation;
  const text = `tokens of ${decision} count no more, since ${formatInstant(at)} by ${by}\n`;
  terminal.out(values.json === true ? `${encodeRevocation(revocation)}\n` : text);
  return 0;
}

async function introspect(
  args: readonly string[],
  open: OpenAdminSession,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, { ...ADMIN_OPTIONS, file: { type: "string" } });
  noWords(positionals);
  const { client } = await open(adminOptionsOf(values));
  const bytes = await terminal.readFile(values.file ?? "-", MAX_TOKEN_BYTES);
  const introspection = await client.introspect(new TextDecoder().decode(bytes).trim());
  terminal.out(values.json === true ? `${encodeIntrospection(introspection)}\n` : sentenceOf(introspection));
  return introspection.active ? 0 : 1;
}

function sentenceOf(introspection: Introspection): string {
  if (!introspection.active) return "inactive\n";
  const { sub, aud, exp, jti, cnf, token_type } = introspection;
  return tableOf([
    ["active", token_type],
    ["subject", sub],
    ["audience", aud],
    ["until", formatInstant(instant(exp))],
    ["decision", jti],
    ["key", cnf?.jkt ?? "none: whoever holds it may use it"],
  ]);
}

function printKeys(
  published: readonly TokenKeySummary[],
  isJson: boolean | undefined,
  terminal: Terminal,
): void {
  if (isJson === true) {
    terminal.out(`${encodeTokenKeyList(published)}\n`);
    return;
  }
  const head = ["KEY", "SIGNS FROM", "NOW", "BY"];
  const rows = published.map(({ kid, signsFrom, isCurrent, createdBy }) => [
    kid,
    formatInstant(signsFrom),
    isCurrent ? "signs" : "published",
    createdBy,
  ]);
  terminal.out(tableOf([head, ...rows]));
}
