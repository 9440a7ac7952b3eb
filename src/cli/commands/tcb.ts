/** `ostiary tcb plan`: whom would a new floor cut off, whose host is to be updated first, and how does it come into force? */
import { posix } from "node:path";
import { utf8 } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import type { Primitives } from "../../base/primitives.ts";
import { addSeconds, formatInstant, type Instant } from "../../base/time.ts";
import type { AdminClient } from "../../client/admin.ts";
import { chooseBulletins, describe, writeFloor } from "../../policy/advisory-writ.ts";
import { type PlannedGuest, type PlanTerms, planFloor, type TcbPlan } from "../../policy/tcb-plan.ts";
import type { Floor } from "../../writ/program.ts";
import { ADMIN_OPTIONS, ADMIN_USAGE, adminOptionsOf, type OpenAdminSession } from "../admin-session.ts";
import { noWords, parseArguments, secondsOf } from "../arguments.ts";
import { type Command, Misuse, type Terminal } from "../command.ts";
import { compileBelow } from "../policy-files.ts";
import { tableOf } from "../table.ts";

const USAGE = `ostiary tcb plan --floor FILE [--name NAME] [--grace 14d] [--out FILE]
ostiary tcb plan --bulletin AMD-SB-3019 [--grace 14d] [--out FILE]
                       which guests of those let in today a floor would cut off, in which order to update their
                       hosts, and the floor as Writ, which binds by itself when the grace is over

  --floor FILE   Writ with a floor in it
  --name NAME    which floor, where there are several
  --bulletin ID  the floor that a bulletin of the broker's advisory asks for (\`ostiary advisory show\`); several times for several.
                 Silicon lines about which it says nothing are left alone
  --grace TIME   from now until it binds, 14d unless said; whole minutes
  --out FILE     write the Writ there, and not after the plan

${ADMIN_USAGE}`;

const OPTIONS = {
  ...ADMIN_OPTIONS,
  floor: { type: "string" },
  bulletin: { type: "string", multiple: true },
  name: { type: "string" },
  grace: { type: "string" },
  out: { type: "string" },
} as const;

export interface TcbEdges {
  readonly open: OpenAdminSession;
  readonly now: () => Instant;
  readonly digest: Primitives["digest"];
}

export function createTcbCommand(edges: TcbEdges): Command {
  return {
    name: "tcb",
    summary: "plan a floor: whom it cuts off, what to update first, how it comes into force",
    usage: USAGE,
    run: async ([verb, ...rest], terminal) => {
      if (verb !== "plan") throw new Misuse("expected plan after `tcb`");
      const { values, positionals } = parseArguments(rest, OPTIONS);
      noWords(positionals);
      const floorBy = await wantedFloor(values, edges, terminal);
      const bindsFrom = wholeMinute(addSeconds(edges.now(), secondsOf(values.grace ?? "14d", "--grace")));
      const { client } = await edges.open(adminOptionsOf(values));
      const { floor, ...terms } = await floorBy(client);
      const plan = planFloor(floor, await letIn(client), { bindsFrom, digest: edges.digest, ...terms });
      if (values.out !== undefined) await terminal.writeFile(values.out, utf8(plan.writ));
      terminal.out(values.json === true ? json(plan) : text(plan, values.out));
      return 0;
    },
  };
}

interface WantedFloor extends Pick<PlanTerms, "spared" | "describes"> {
  readonly floor: Floor;
}

interface FloorWords {
  readonly floor?: string | undefined;
  readonly name?: string | undefined;
  readonly bulletin?: readonly string[] | undefined;
}

/** What can be looked at without a broker is looked at before there is one. */
async function wantedFloor(
  { floor: file, name, bulletin: ids = [] }: FloorWords,
  edges: TcbEdges,
  terminal: Terminal,
): Promise<(client: AdminClient) => Promise<WantedFloor>> {
  if ((file === undefined) === (ids.length === 0)) throw new Misuse("expected --floor FILE or --bulletin ID");
  if (file === undefined) {
    if (name !== undefined) throw new Misuse("expected --name with --floor alone");
    return (client) => bulletinFloor(ids, client, edges);
  }
  const floor = floorOf(await floorsIn(file, edges, terminal), name);
  return async () => ({ floor });
}

/** The broker looked at the signatures. */
async function bulletinFloor(
  ids: readonly string[],
  client: AdminClient,
  { digest }: TcbEdges,
): Promise<WantedFloor> {
  const chosen = chooseBulletins((await client.advisory()).advisory, ids);
  const name = ids.map((id) => id.toLowerCase().replaceAll("-", "_")).join("_and_");
  const { writ, silent } = writeFloor(chosen, { floor: name, module: "tcb.plan", owner: "tcb-plan" });
  const { program } = compileBelow([{ path: "bulletin.writ", text: writ }], ".", { digest });
  return { floor: floorOf(program?.floors ?? [], undefined), spared: silent, describes: describe(chosen) };
}

async function floorsIn(file: string, { digest }: TcbEdges, terminal: Terminal): Promise<readonly Floor[]> {
  const source = { path: posix.basename(file), text: await terminal.readFile(file) };
  const { program } = compileBelow([source], posix.dirname(file), { digest });
  if (program !== undefined) return program.floors;
  throw new Misuse(`expected ${file} to compile; \`ostiary writ check ${file}\` says what is wrong`);
}

function floorOf(floors: readonly Floor[], name: string | undefined): Floor {
  const wanted = floors.filter((one) => name === undefined || one.name === name);
  const [floor, ...more] = wanted;
  if (floor !== undefined && more.length === 0) return floor;
  const known = floors.map((one) => one.name).join(", ");
  throw new Misuse(`expected one floor${known === "" ? "" : `; --name is one of ${known}`}`);
}

function wholeMinute(at: Instant): Instant {
  return addSeconds(at, (60 - (at % 60)) % 60);
}

async function letIn(client: AdminClient): Promise<readonly PlannedGuest[]> {
  const found: PlannedGuest[] = [];
  let after: string | undefined;
  do {
    const page = await client.fleetPage(after); // in order: page after page
    found.push(...page.guests.filter(({ outcome }) => outcome === "allow").map(plannedOf));
    after = page.next;
  } while (after !== undefined);
  return found;
}

function plannedOf({ id, place, cameFor, chip, product, silicon, tcb }: PlannedGuest): PlannedGuest {
  return {
    ...{ id, place, cameFor },
    ...(chip === undefined ? {} : { chip }),
    ...(product === undefined ? {} : { product }),
    ...(silicon === undefined ? {} : { silicon }),
    ...(tcb === undefined ? {} : { tcb }),
  };
}

function json(plan: TcbPlan): string {
  return `${canonicalJson({ ...plan, bindsFrom: formatInstant(plan.bindsFrom) })}\n`;
}

function text(
  { floor, bindsFrom, cutOff, resources, hosts, unaffected, writ }: TcbPlan,
  out?: string,
): string {
  const when = formatInstant(bindsFrom);
  const head = `${floor} would bind from ${when}: ${cutOff.length} guests would be cut off, ${unaffected} would not\n`;
  const parts = [
    head,
    ...(hosts.length === 0
      ? []
      : [
          "update in this order:\n",
          tableOf([
            ["HOST", "SILICON", "GUESTS", "NOBODY ELSE THERE"],
            ...hosts.map((one) => [one.chip, one.silicon, String(one.guests), String(one.alone)]),
          ]),
          `keys that would be cut off: ${resources.join(", ")}\n`,
        ]),
    out === undefined ? `\n${writ}` : `next: ostiary writ diff, then propose ${out} with your policy\n`,
  ];
  return parts.join("");
}
