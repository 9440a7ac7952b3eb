/** `ostiary credentials …`: what this system depends on, whose it is, and what breaks when it ends. */
import { formatInstant } from "../../base/time.ts";
import type { Credential } from "../../wire/credential-messages.ts";
import { encodeCredentialPage } from "../../wire/credentials.ts";
import { ADMIN_OPTIONS, ADMIN_USAGE, adminOptionsOf, type OpenAdminSession } from "../admin-session.ts";
import { noWords, oneWord, parseArguments } from "../arguments.ts";
import { type Command, Misuse } from "../command.ts";
import { tableOf } from "../table.ts";

const USAGE = `ostiary credentials list [--kind KIND]   every credential that the broker knows of
ostiary credentials show NAME            one of them in full, with what breaks when it ends

What is not good about one is a finding: \`ostiary findings list\`.

${ADMIN_USAGE}`;

const OPTIONS = { ...ADMIN_OPTIONS, kind: { type: "string" } } as const;

export function createCredentialsCommand(open: OpenAdminSession): Command {
  return {
    name: "credentials",
    summary: "what this system depends on: list, show",
    usage: USAGE,
    run: async ([verb, ...rest], terminal) => {
      const { values, positionals } = parseArguments(rest, OPTIONS);
      const namesOne = verb === "show";
      if (verb !== "list" && !namesOne) throw new Misuse("expected list or show after `credentials`");
      if (!namesOne) noWords(positionals);
      const name = namesOne ? oneWord(positionals, "NAME") : undefined;
      const { client } = await open(adminOptionsOf(values));
      const wanted = { name, kind: values.kind };
      const credentials = (await client.listCredentials()).filter((one) => isWanted(one, wanted));
      terminal.out(shown(credentials, { name, isJson: values.json === true }));
      return 0;
    },
  };
}

interface Wanted {
  readonly name: string | undefined;
  readonly kind: string | undefined;
}

function isWanted(one: Credential, { name, kind }: Wanted): boolean {
  return (name === undefined || one.name === name) && (kind === undefined || one.kind === kind);
}

function shown(
  credentials: readonly Credential[],
  { name, isJson }: { readonly name: string | undefined; readonly isJson: boolean },
): string {
  if (name !== undefined && credentials.length === 0) throw unknown(name);
  if (isJson) return `${encodeCredentialPage({ credentials })}\n`;
  return name === undefined ? listText(credentials) : credentials.map(fullText).join("\n");
}

function unknown(name: string): Misuse {
  return new Misuse(
    `expected the name of a credential, received \`${name}\`; \`credentials list\` shows them`,
  );
}

function momentText(at: Credential["notAfter"], absent: string): string {
  return at === undefined ? absent : formatInstant(at);
}

function listText(credentials: readonly Credential[]): string {
  const head = ["NAME", "ENDS", "STRENGTH", "USED LAST", "OWNER"];
  const rows = credentials.map((one) => [
    one.name,
    momentText(one.notAfter, "never"),
    strengthText(one),
    momentText(one.lastUsedAt, "-"),
    one.owner === "" ? "nobody" : one.owner,
  ]);
  return tableOf([head, ...rows]);
}

function strengthText({ algorithm, bits, signedWith }: Credential): string {
  const size = bits === undefined ? "" : ` ${bits} bits`;
  return `${algorithm}${size}${signedWith === undefined ? "" : `, ${signedWith}`}`;
}

function fullText(one: Credential): string {
  return tableOf([
    ["credential", one.name],
    ["kind", one.kind],
    ["fingerprint", one.fingerprint],
    ["owner", one.owner === "" ? "nobody" : one.owner],
    ["begins", momentText(one.notBefore, "at once")],
    ["ends", momentText(one.notAfter, "never")],
    ["strength", strengthText(one)],
    ["scope", one.scope],
    ...(one.excess === undefined ? [] : [["too wide", one.excess]]),
    ["needed by", one.neededBy.length === 0 ? "nothing" : one.neededBy.join(", ")],
    ["used first", momentText(one.firstUsedAt, "not known")],
    ["used last", momentText(one.lastUsedAt, "not known")],
    ["fetched", momentText(one.obtainedAt, "it is our own, or came with the evidence")],
    ["when it ends", one.breaks],
    ...(one.drill === undefined ? [] : [["planted by drill", one.drill]]),
  ]);
}
