/** `ostiary who-can`, `ostiary what-can`: how far does a grant of the live policy reach, in both directions? */
import { utf8 } from "../../base/bytes.ts";
import { canonicalJson, type JsonObject } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import type { Instant } from "../../base/time.ts";
import type { AdminClient } from "../../client/admin.ts";
import { type Reach, whatCan, whoCan } from "../../policy/reach.ts";
import { SNP_VOCABULARY } from "../../policy/vocabulary.ts";
import type { SeenGuest } from "../../wire/fleet-messages.ts";
import { isResourcePath } from "../../wire/resource-path.ts";
import { compileSources } from "../../writ/compile.ts";
import type { Program } from "../../writ/program.ts";
import { ADMIN_OPTIONS, ADMIN_USAGE, adminOptionsOf, type OpenAdminSession } from "../admin-session.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type Command, Misuse } from "../command.ts";
import { guestLines, imageLines, reachLines } from "../reach-text.ts";

const WHO_CAN = `ostiary who-can PATH   every policy of the live bundle that can give PATH away, what it asks, the images
                       that can have it, and the guests that came and would be given it now

Policies and images are the solver's answer over all requests, at this moment. A guest is judged as it was when
it came last, as if it asked now with a fresh report.

${ADMIN_USAGE}`;

const WHAT_CAN = `ostiary what-can MEASUREMENT   every policy of the live bundle under which this image can have something, where,
                               and the guests that came with it

MEASUREMENT is 96 hex digits, or the label of a reference value. The answer is the solver's, over all requests,
at this moment.

${ADMIN_USAGE}`;

export interface ReachEdges {
  readonly open: OpenAdminSession;
  readonly now: () => Instant;
  readonly digest: Primitives["digest"];
}

export function createWhoCanCommand(edges: ReachEdges): Command {
  return {
    name: "who-can",
    summary: "who can have a resource: policies, images, and guests that came",
    usage: WHO_CAN,
    run: async (args, terminal) => {
      const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
      const path = oneWord(positionals, "PATH");
      if (!isResourcePath(path)) throw new Misuse(`expected PATH as a resource, received \`${path}\``);
      const { client } = await edges.open(adminOptionsOf(values));
      const reach = whoCan(await liveProgram(client, edges), path, edges.now());
      const guests = await guestsOf(client, ({ would }) => would?.allow === true, path);
      if (values.json === true) terminal.out(json({ path, ...reach, guests: guests.map(guestJson) }));
      else
        terminal.out(
          [...reachLines(`have ${path}`, reach), ...imageLines(reach), ...guestLines(guests)].join(""),
        );
      return 0;
    },
  };
}

export function createWhatCanCommand(edges: ReachEdges): Command {
  return {
    name: "what-can",
    summary: "what an image can have, and which guests have it",
    usage: WHAT_CAN,
    run: async (args, terminal) => {
      const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
      const word = oneWord(positionals, "MEASUREMENT");
      const { client } = await edges.open(adminOptionsOf(values));
      const program = await liveProgram(client, edges);
      const measurement = measurementOf(word, program);
      const reach = whatCan(program, measurement, edges.now());
      const guests = await guestsOf(client, (guest) => guest.measurement === measurement);
      if (values.json === true) terminal.out(json({ measurement, ...reach, guests: guests.map(guestJson) }));
      else
        terminal.out([...reachLines("have anything with this image", reach), ...guestLines(guests)].join(""));
      return 0;
    },
  };
}

/** Compiled here, so that a broker never waits for a solver. @throws {@link Fault} `policy/unknown`, `policy/malformed`. */
async function liveProgram(client: AdminClient, { digest }: ReachEdges): Promise<Program> {
  const { live } = await client.listBundles();
  if (live === undefined)
    throw new Fault("policy/unknown", "expected a live bundle: nobody can have anything");
  const { sources } = await client.showBundle(live.digest);
  const texts = new Map(sources.map(({ path, text }) => [path, text]));
  const { program } = compileSources(
    sources.filter(({ path }) => path.endsWith(".writ")),
    {
      vocabulary: SNP_VOCABULARY,
      digest,
      files: (path) => {
        const text = texts.get(path);
        return text === undefined ? undefined : utf8(text);
      },
    },
  );
  if (program !== undefined) return program;
  throw new Fault("policy/malformed", "expected the sources of the live bundle to compile");
}

function measurementOf(word: string, { refsets }: Program): string {
  if (/^[0-9a-f]{96}$/i.test(word)) return word.toLowerCase();
  const values = refsets
    .filter(({ field }) => field === "measurement")
    .flatMap(({ entries }) => entries.filter(({ label }) => label === word).map(({ value }) => value));
  const [value, ...more] = [...new Set(values)];
  if (value !== undefined && more.length === 0) return value;
  throw new Misuse(
    `expected 96 hex digits, or the label of one measurement, received \`${word}\`, which names ${
      value === undefined ? "none" : "several"
    }`,
  );
}

async function guestsOf(
  client: AdminClient,
  isWanted: (guest: SeenGuest) => boolean,
  resource?: string,
): Promise<readonly SeenGuest[]> {
  const found: SeenGuest[] = [];
  let after: string | undefined;
  do {
    const page = await client.fleetPage(after, resource); // in order: page after page
    found.push(...page.guests.filter(isWanted));
    after = page.next;
  } while (after !== undefined);
  return found;
}

function json(answer: Readonly<Record<string, unknown>> & (Reach & JsonObject)): string {
  return `${canonicalJson(answer)}\n`;
}

function guestJson({ id, place, measurement, cameFor, lastAt }: SeenGuest): JsonObject {
  return { id, place, measurement, cameFor, lastAt };
}
