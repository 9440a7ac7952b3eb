/** `ostiary tcb plan`: whom would a new floor cut off, whose host is to be updated first, and how does it come into force? */
import { posix } from "node:path";
import { utf8 } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import type { Primitives } from "../../base/primitives.ts";
import { addSeconds, formatInstant, type Instant } from "../../base/time.ts";
import type { AdminClient } from "../../client/admin.ts";
import { type PlannedGuest, planFloor, type TcbPlan } from "../../policy/tcb-plan.ts";
import type { Floor } from "../../writ/program.ts";
import { ADMIN_OPTIONS, ADMIN_USAGE, adminOptionsOf, type OpenAdminSession } from "../admin-session.ts";
import { noWords, parseArguments, secondsOf } from "../arguments.ts";
import { type Command, Misuse, type Terminal } from "../command.ts";
import { compileBelow } from "../policy-files.ts";
import { tableOf } from "../table.ts";

const USAGE = `ostiary tcb plan --floor FILE [--name NAME] [--grace 14d] [--out FILE]
                       which guests of those let in today a floor would cut off, in which order to update their
                       hosts, and the floor as Writ, which binds by itself when the grace is over

  --floor FILE   Writ with a floor in it
  --name NAME    which floor, where there are several
  --grace TIME   from now until it binds, 14d unless said; whole minutes
  --out FILE     write the Writ there, and not after the plan

${ADMIN_USAGE}`;

const OPTIONS = {
  ...ADMIN_OPTIONS,
  floor: { type: "string" },
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
      if (values.floor === undefined) throw new Misuse("expected --floor FILE");
      const floor = floorOf(await floorsIn(values.floor, edges, terminal), values.name);
      const bindsFrom = wholeMinute(addSeconds(edges.now(), secondsOf(values.grace ?? "14d", "--grace")));
      const { client } = await edges.open(adminOptionsOf(values));
      const plan = planFloor(floor, await letIn(client), { bindsFrom, digest: edges.digest });
      if (values.out !== undefined) await terminal.writeFile(values.out, utf8(plan.writ));
      terminal.out(values.json === true ? json(plan) : text(plan, values.out));
      return 0;
    },
  };
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
