/** `ostiary fleet …`: which guests came, with which image and firmware, on which chip, and how it went. */
import type { AdminClient } from "../../client/admin.ts";
import { encodeFleetPage } from "../../wire/fleet.ts";
import { IMAGE_STATES, type SeenGuest } from "../../wire/fleet-messages.ts";
import { ADMIN_OPTIONS, ADMIN_USAGE, adminOptionsOf, type OpenAdminSession } from "../admin-session.ts";
import { noWords, oneWord, parseArguments } from "../arguments.ts";
import { type Command, Misuse, type Terminal } from "../command.ts";
import { guestHead, guestRow, guestText } from "../fleet-text.ts";
import { tableOf } from "../table.ts";

const USAGE = `ostiary fleet list [--image STATE]   every guest that came, as its newest decision saw it
ostiary fleet show ID                one guest in full, with what is weaker or other than before

A guest is one launch of one machine. ID is what \`list\` shows, or its first eight digits or more.
STATE is what the live policy says of the image: ${IMAGE_STATES.join(", ")}.
Guests are read off decisions by a scan: \`ostiary findings scan\` has it look now.

${ADMIN_USAGE}`;

const OPTIONS = { ...ADMIN_OPTIONS, image: { type: "string" } } as const;

export function createFleetCommand(open: OpenAdminSession): Command {
  return {
    name: "fleet",
    summary: "which guests came: list, show",
    usage: USAGE,
    run: async ([verb, ...rest], terminal) => {
      if (verb !== "list" && verb !== "show") throw new Misuse("expected list or show after `fleet`");
      const { values, positionals: words } = parseArguments(rest, OPTIONS);
      const state = stateOf(values.image);
      const isJson = values.json === true;
      const { client } = await open(adminOptionsOf(values));
      if (verb === "show") terminal.out(await shown(oneWord(words, "ID"), client, isJson));
      else {
        noWords(words);
        await list({ client, isJson, state }, terminal);
      }
      return 0;
    },
  };
}

function stateOf(word: string | undefined): string | undefined {
  const states: readonly string[] = IMAGE_STATES;
  if (word === undefined || states.includes(word)) return word;
  throw new Misuse(`expected --image to be one of ${IMAGE_STATES.join(", ")}`);
}

interface Listing {
  readonly client: AdminClient;
  readonly isJson: boolean;
  readonly state: string | undefined;
}

/** Each page is printed as it comes, as a table of its own; as JSON each is a line. */
async function list({ client, isJson, state }: Listing, terminal: Terminal): Promise<void> {
  let count = 0;
  let behind = 0;
  for await (const page of pages(client)) {
    const guests = page.guests.filter(({ image }) => state === undefined || image.state === state);
    if (isJson) terminal.out(`${encodeFleetPage({ guests, behind: page.behind })}\n`);
    else if (guests.length > 0)
      terminal.out(tableOf([...(count === 0 ? [guestHead] : []), ...guests.map(guestRow)]));
    count += guests.length;
    ({ behind } = page);
  }
  if (isJson) return;
  if (count === 0) terminal.out("no guests\n");
  if (behind > 0)
    terminal.out(`${behind} entries of the log are yet to be read: the scan \`fleet\` goes on with them\n`);
}

async function* pages(client: AdminClient) {
  let after: string | undefined;
  do {
    const page = await client.fleetPage(after); // in order: page after page
    yield page;
    after = page.next;
  } while (after !== undefined);
}

async function shown(word: string, client: AdminClient, isJson: boolean): Promise<string> {
  const page = await client.showGuest(await idOf(word, client));
  return isJson ? `${encodeFleetPage(page)}\n` : page.guests.map(guestText).join("\n");
}

/** A shorter one has to be of one guest alone. */
async function idOf(word: string, client: AdminClient): Promise<string> {
  if (/^[0-9a-f]{64}$/.test(word)) return word;
  if (!/^[0-9a-f]{8,63}$/.test(word)) throw new Misuse("expected ID as 8 to 64 hex digits");
  const found: SeenGuest[] = [];
  for await (const { guests } of pages(client)) found.push(...guests.filter(({ id }) => id.startsWith(word)));
  const [one, ...more] = found;
  if (one !== undefined && more.length === 0) return one.id;
  throw new Misuse(
    `expected the id of one guest, received \`${word}\`, which begins ${one === undefined ? "none" : "several"}`,
  );
}
