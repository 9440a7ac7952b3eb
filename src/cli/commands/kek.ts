/** `ostiary kek …`: the root key-encryption key: which one wraps, a new one, and everything brought under it while the broker serves. */
import { encodeRootKeyPage, encodeRootKeyState } from "../../wire/root-key.ts";
import { ADMIN_USAGE, type OpenAdminSession, openedBy } from "../admin-session.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type Command, type ExitStatus, Misuse, type Terminal } from "../command.ts";
import {
  DEVICES_USAGE,
  type MakeTokenKey,
  makeInToken,
  namesToken,
  type SealKeyFile,
  seal,
} from "../kek-devices.ts";
import { SHARES_USAGE, type SplitKeyFile, split, unseal } from "../kek-shares.ts";
import { tableOf } from "../table.ts";

const USAGE = `ostiary kek show         which key wraps, which others open, and how much still lies under those
ostiary kek rotate FILE  make a new key in FILE, on this machine; the broker takes it when its configuration names it
ostiary kek migrate      wrap everything anew under the key that wraps now, while the broker serves
${DEVICES_USAGE}${SHARES_USAGE}
A change of the root key: \`kek rotate\`, name the new key under [[kek.also]] on every broker, let it change places with the
old one on every broker, \`kek migrate\`, take the old one out. The two may be of different kinds.
A stop on the way loses nothing: call \`migrate\` again.

${ADMIN_USAGE}`;

export interface KekEdges {
  readonly open: OpenAdminSession;
  /** Makes a key in a new file. @throws {@link Fault} `file/unusable`. */
  readonly createKey: (path: string) => Promise<void>;
  readonly splitKeyFile: SplitKeyFile;
  readonly makeTokenKey: MakeTokenKey;
  readonly sealKeyFile: SealKeyFile;
}

export function createKekCommand(edges: KekEdges): Command {
  const { open, createKey, splitKeyFile, makeTokenKey, sealKeyFile } = edges;
  const verbs: Readonly<Record<string, Verb>> = {
    show: (rest, terminal) => show(rest, open, terminal),
    rotate: (rest, terminal) =>
      namesToken(rest) ? makeInToken(rest, makeTokenKey, terminal) : rotate(rest, createKey, terminal),
    migrate: (rest, terminal) => migrate(rest, open, terminal),
    seal: (rest, terminal) => seal(rest, sealKeyFile, terminal),
    split: (rest, terminal) => split(rest, splitKeyFile, terminal),
    unseal: (rest, terminal) => unseal(rest, open, terminal),
  };
  return {
    name: "kek",
    summary: `the root key-encryption key: ${Object.keys(verbs).join(", ")}`,
    usage: USAGE,
    run: async ([name = "", ...rest], terminal) => {
      const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
      if (verb !== undefined) return verb(rest, terminal);
      throw new Misuse("expected show, rotate, migrate, seal, split or unseal after `kek`");
    },
  };
}

type Verb = (args: readonly string[], terminal: Terminal) => Promise<ExitStatus>;

async function show(
  args: readonly string[],
  open: OpenAdminSession,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { client, json } = await openedBy(args, open);
  const state = await client.showRootKey();
  const table = tableOf([
    ["wraps", state.id],
    ...state.also.map((id) => ["opens", id]),
    ["under other keys", versions(state.left)],
  ]);
  terminal.out(json === true ? `${encodeRootKeyState(state)}\n` : table);
  return 0;
}

async function rotate(
  args: readonly string[],
  createKey: KekEdges["createKey"],
  terminal: Terminal,
): Promise<ExitStatus> {
  const path = oneWord(parseArguments(args, {}).positionals, "FILE");
  await createKey(path);
  terminal.out(`a new key-encryption key is in ${path}: keep a copy offline, then name it on every broker

[[kek.also]]
file = "${path}"

and restart them one after the other; \`ostiary kek --help\` says what comes next
`);
  return 0;
}

async function migrate(
  args: readonly string[],
  open: OpenAdminSession,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { client, json } = await openedBy(args, open);
  const { left } = await client.showRootKey();
  let page = await client.rewrapUnderRootKey(undefined);
  let rewrapped = page.rewrapped;
  while (page.next !== undefined) {
    terminal.err(`${versions(rewrapped)} of ${left} wrapped anew\n`);
    page = await client.rewrapUnderRootKey(page.next);
    rewrapped += page.rewrapped;
  }
  const text =
    page.left === 0
      ? `${versions(rewrapped)} wrapped anew; everything lies under ${page.id}\n`
      : `${versions(rewrapped)} wrapped anew; ${page.left} came meanwhile under another key: let every broker wrap under ${page.id}, then call this again\n`;
  terminal.out(json === true ? `${encodeRootKeyPage({ ...page, rewrapped })}\n` : text);
  return page.left === 0 ? 0 : 1;
}

function versions(count: number): string {
  return count === 1 ? "1 version" : `${count} versions`;
}
