/** `ostiary agent doctor`: what is wrong with this guest, and what to do about each of it. */
import type { JsonObject } from "../../base/canonical-json.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { type AgentFileEdges, agentOptionsFor } from "../agent-config.ts";
import { AGENT_OPTIONS, type AgentOptions } from "../agent-session.ts";
import { noWords, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { type EvidenceOptions, evidenceOptionsOf } from "../evidence-options.ts";
import { tableOf } from "../table.ts";

/** Levels that the firmware has to have; one that is not named may be any. */
export type FirmwareFloor = Readonly<Partial<Record<FloorComponent, number>>>;

const FLOOR_COMPONENTS = ["fmc", "bootloader", "tee", "snp", "microcode"] as const;
type FloorComponent = (typeof FLOOR_COMPONENTS)[number];

/** What is examined. */
export interface Examination {
  readonly machine: EvidenceOptions;
  /** `undefined` where no broker was named. */
  readonly brokers: AgentOptions | undefined;
  readonly floor: FirmwareFloor | undefined;
  /** Whose LUKS headers are judged. */
  readonly devices: readonly string[];
  /** Where /proc, /sys and /dev are. */
  readonly root: string;
}

export interface DoctorAnswer {
  readonly findings: readonly {
    readonly id: string;
    readonly severity: "ok" | "note" | "warning" | "error";
    readonly seen: string;
    readonly expected: string;
    readonly next?: string;
  }[];
  /** What `--posture` tells a broker. */
  readonly posture: JsonObject;
}

export interface DoctorEdges extends AgentFileEdges {
  /** @throws {@link Fault} for options that name what cannot be read. */
  readonly examine: (examination: Examination) => Promise<DoctorAnswer>;
}

export const DOCTOR_USAGE =
  "ostiary agent doctor [--floor snp=24,microcode=219] [--device DEVICE]… [--root DIR] [--json]\n";

/** Ends with status 1 where a finding is an error. */
export async function runDoctor(
  args: readonly string[],
  edges: DoctorEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, {
    ...AGENT_OPTIONS,
    floor: { type: "string" },
    root: { type: "string" },
    device: { type: "string", multiple: true },
  });
  noWords(positionals);
  const hasBroker = values.broker !== undefined || (await edges.agentFile(values.config)) !== undefined;
  const brokers = hasBroker ? await agentOptionsFor(values, edges, terminal) : undefined;
  const floor = values.floor === undefined ? undefined : floorOf(values.floor);
  const machine = brokers ?? evidenceOptionsOf(values);
  const { root = "/", device: devices = [] } = values;
  const answer = await edges.examine({ machine, brokers, floor, devices, root });
  const count = countsOf(answer);
  if (values.json === true) terminal.out(`${canonicalJson(jsonOf(answer, count))}\n`);
  else terminal.out(pageOf(answer, count));
  return count.errors === 0 ? 0 : 1;
}

function floorOf(text: string): FirmwareFloor {
  const levels = text.split(",").map((part) => {
    const [, name, level] = /^([a-z]+)=(\d{1,3})$/.exec(part) ?? [];
    const component = FLOOR_COMPONENTS.find((known) => known === name);
    if (component !== undefined && Number(level) <= 255) return [component, Number(level)] as const;
    throw new Misuse(
      `expected --floor as snp=24,microcode=219 (${FLOOR_COMPONENTS.join(", ")}), received \`${text}\``,
    );
  });
  return Object.fromEntries(levels);
}

interface Counts {
  readonly errors: number;
  readonly warnings: number;
}

function countsOf({ findings }: DoctorAnswer): Counts {
  const count = (wanted: string) => findings.filter(({ severity }) => severity === wanted).length;
  return { errors: count("error"), warnings: count("warning") };
}

function jsonOf({ findings, posture }: DoctorAnswer, { errors, warnings }: Counts): JsonObject {
  return { errors, warnings, findings: findings.map((one) => ({ ...one })), posture };
}

/** What is wrong comes last, where a console still shows it. */
function pageOf({ findings }: DoctorAnswer, { errors, warnings }: Counts): string {
  const calm = findings.filter(({ next }) => next === undefined);
  const open = findings.filter(({ next }) => next !== undefined);
  const told = open.map(
    ({ id, severity, seen, expected, next }) =>
      `\n${severity} ${id}\n  seen:     ${seen}\n  expected: ${expected}\n  do:       ${next}\n`,
  );
  const sum = `\n${findings.length} looked at: ${errors} errors, ${warnings} warnings\n`;
  return `${tableOf(calm.map(({ severity, id, seen }) => [severity, id, seen]))}${told.join("")}${sum}`;
}
