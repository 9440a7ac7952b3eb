/** `ostiary token …`: the keys that sign tokens. */
import { formatInstant } from "../../base/time.ts";
import type { TokenKeySummary } from "../../wire/messages.ts";
import { encodeTokenKeyList } from "../../wire/token-key.ts";
import { ADMIN_OPTIONS, ADMIN_USAGE, adminOptionsOf, type OpenAdminSession } from "../admin-session.ts";
import { noWords, parseArguments } from "../arguments.ts";
import { type Command, type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { tableOf } from "../table.ts";

const USAGE = `ostiary token keys                  the published keys that sign tokens, oldest first
ostiary token rotate [--withdraw]   the next key: published now, signing in ten minutes

--withdraw is for a key that leaked: the next one signs at once, and tokens of all earlier ones count no more.

${ADMIN_USAGE}`;

/** Makes the verb; `open` gives it the client that its options name. */
export function createTokenCommand(open: OpenAdminSession): Command {
  return {
    name: "token",
    summary: "tokens: the keys that sign them, and the next key",
    usage: USAGE,
    run: async ([name, ...rest], terminal) => {
      if (name === "keys") return keys(rest, open, terminal);
      if (name === "rotate") return rotate(rest, open, terminal);
      throw new Misuse("expected keys or rotate after `token`");
    },
  };
}

async function keys(
  args: readonly string[],
  open: OpenAdminSession,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  noWords(positionals);
  const { client } = await open(adminOptionsOf(values));
  printKeys(await client.listTokenKeys(), values.json, terminal);
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
