/** Which requests are there? Random ones that a verifier can have produced, and steps from one to the edge of a constant. */
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { entryLabels } from "../../../src/writ/entry-labels.ts";
import type { Facts, FactValue, TcbFact } from "../../../src/writ/facts.ts";
import type { Program } from "../../../src/writ/program.ts";
import type { Field } from "../../../src/writ/vocabulary.ts";
import type { Dice } from "./dice.ts";
import { GROUPS, MOMENTS, nearby, randomValue, withFact } from "./values.ts";

const FIELDS = SNP_VOCABULARY.fields;
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** An ordinary request with a handful of fields set at random, and what follows from them. */
export function randomRequest(dice: Dice): Facts {
  const product = dice.pick(["milan", "genoa", "turin"]);
  const start = new Map([
    ...(SNP_VOCABULARY.ordinary[product] ?? []),
    ["request.resource", randomValue(dice, { kind: "path" })] as const,
    ["now", dice.pick(MOMENTS) + 1] as const,
  ]);
  return settled(
    Array.from({ length: 4 + dice.roll(12) }).reduce<Facts>((facts) => changed(dice, facts), start),
  );
}

function changed(dice: Dice, facts: Facts): Facts {
  if (dice.chance(8)) return withFact(facts, `approvals:${dice.pick(GROUPS)}`, dice.roll(3));
  const field = dice.pick(FIELDS);
  const key =
    field.index === undefined
      ? field.name
      : `${field.name}[${dice.pick([field.index.from, 11, field.index.to])}]`;
  return withFact(
    facts,
    key,
    field.absence !== undefined && dice.chance(25) ? undefined : randomValue(dice, field.type),
  );
}

/** Another request next to this one: a field moved by one step, taken away, or set to a constant of the program. */
export function steppedRequest(dice: Dice, from: Facts, constants: Constants): Facts {
  const steps = 1 + dice.roll(2);
  return settled(Array.from({ length: steps }).reduce<Facts>((facts) => step(dice, facts, constants), from));
}

function step(dice: Dice, facts: Facts, constants: Constants): Facts {
  const named = [...constants.keys()];
  if (named.length === 0 || dice.chance(15)) return changed(dice, facts);
  const key = dice.pick(named);
  const held = facts.get(key);
  const values = constants.get(key) ?? [];
  if (dice.chance(15) && isOptional(key)) return withFact(facts, key, undefined);
  const value = values.length > 0 && dice.chance(80) ? dice.pick(values) : held;
  if (value === undefined) return changed(dice, facts);
  return withFact(facts, key, dice.chance(60) ? nearby(dice, value) : value);
}

function fieldOf(key: string): Field | undefined {
  const name = key.replace(/\[.*/, "");
  return FIELDS.find((one) => one.name === name);
}

function isOptional(key: string): boolean {
  return key.startsWith("approvals:") || fieldOf(key)?.absence !== undefined;
}

/** Field → the values that conditions of a program compare it with. */
export type Constants = ReadonlyMap<string, readonly FactValue[]>;

// ── what follows from what ──────────────────────────────────────────────────────────────────────────────────────────

/** The request with every field that follows from another as the verifier would have it. */
function settled(facts: Facts): Facts {
  return [byVersion, bySilicon, byChip, byEndorsement, byEvidence, byPosture, byFirmware, byTime].reduce(
    (one, rule) => rule(one),
    bounded(facts),
  );
}

/** Numbers inside their types: none is below zero. */
function bounded(facts: Facts): Facts {
  return new Map(
    Array.from(facts, ([key, value]) => [key, typeof value === "number" ? inside(key, value) : value]),
  );
}

function inside(key: string, value: number): number {
  const type = fieldOf(key)?.type;
  const most = type?.kind === "uint" ? 2 ** type.bits - 1 : Number.MAX_SAFE_INTEGER;
  return Math.min(Math.max(value, 0), most);
}

const FROM_V5 = ["host.iommu_write_safe", "host.tio", "mitigations.launch", "mitigations.current"];
const FROM_V3 = ["cpu.family", "cpu.model", "cpu.stepping", "host.alias_check"];
const AT_LEAST_THERE: readonly (readonly [string, FactValue])[] = [
  ["cpu.stepping", 1],
  ["host.alias_check", true],
  ["host.iommu_write_safe", true],
  ["host.tio", false],
  ["mitigations.launch", 0n],
  ["mitigations.current", 0n],
];

function byVersion(facts: Facts): Facts {
  const version = Number(facts.get("report.version"));
  const missing = [...(version < 3 ? [...FROM_V3, "silicon"] : []), ...(version < 5 ? FROM_V5 : [])];
  const filled = new Map([...AT_LEAST_THERE, ...facts]);
  for (const key of missing) filled.delete(key);
  return filled;
}

const CPU: ReadonlyMap<FactValue | undefined, readonly [number, number]> = new Map([
  ["milan", [25, 1]],
  ["genoa", [25, 17]],
  ["turin", [26, 2]],
]);

function bySilicon(facts: Facts): Facts {
  const product = SNP_VOCABULARY.products.find(({ name }) => name === facts.get("product"));
  const silicon = facts.get("silicon");
  const isSold = typeof silicon === "string" && product?.silicon.includes(silicon);
  const sold = silicon === undefined || isSold ? facts : withFact(facts, "silicon", product?.name);
  if (facts.get("report.version") === "2") return sold;
  const [family, model] = CPU.get(product?.name) ?? [0, 0];
  return withFact(withFact(sold, "cpu.family", family), "cpu.model", model);
}

function byChip(facts: Facts): Facts {
  if (facts.get("report.chip_masked") === true) return withFact(facts, "report.chip_id", undefined);
  return new Map([["report.chip_id", "03".repeat(64)], ...facts]);
}

function byEndorsement(facts: Facts): Facts {
  if (facts.get("endorsement.kind") === "vlek") {
    return new Map<string, FactValue>([["endorsement.csp_id", "CN=cc-us-east-1.amazonaws.com"], ...facts]);
  }
  return withFact(withFact(facts, "endorsement.csp", undefined), "endorsement.csp_id", undefined);
}

function byEvidence(facts: Facts): Facts {
  const other = facts.get("evidence.format") === "raw" ? "vtpm." : "host_vtpm.";
  return new Map([...facts].filter(([key]) => !key.startsWith(other)));
}

const POSTURE: readonly (readonly [string, FactValue])[] = [
  ["posture.warnings", 0],
  ["posture.failures", 0],
];

function byPosture(facts: Facts): Facts {
  if (facts.has("posture.age")) return new Map([...POSTURE, ...facts]);
  return new Map([...facts].filter(([key]) => !key.startsWith("posture.")));
}

const VECTORS = ["tcb.current", "tcb.reported", "tcb.committed", "tcb.launch"];

function byFirmware(facts: Facts): Facts {
  const isTurin = facts.get("product") === "turin";
  const next = new Map(facts);
  for (const key of VECTORS) next.set(key, shaped(vectorOf(facts, key), isTurin));
  const [current, reported, committed] = VECTORS.map((key) => vectorOf(next, key));
  const highest = [reported, committed].reduce<TcbFact>((most, one) => merged(most, one), current ?? {});
  next.set("tcb.current", highest);
  next.set("endorsement.tcb", reported ?? {});
  const isSame = (a: FactValue | undefined, b: FactValue | undefined): boolean =>
    JSON.stringify(Object.entries(a ?? {}).sort()) === JSON.stringify(Object.entries(b ?? {}).sort());
  const isCommitted =
    isSame(highest, committed) &&
    isSame(facts.get("firmware.version"), facts.get("firmware.committed_version"));
  return next.set("firmware.provisional", !isCommitted);
}

function vectorOf(facts: Facts, key: string): TcbFact {
  const value = facts.get(key);
  return typeof value === "object" ? Object.fromEntries(Object.entries(value)) : {};
}

function shaped({ fmc, ...classic }: TcbFact, isTurin: boolean): TcbFact {
  return isTurin ? { fmc: fmc ?? 1, ...classic } : Object.fromEntries(Object.entries(classic));
}

function merged(a: TcbFact, b: TcbFact | undefined): TcbFact {
  return Object.fromEntries(
    Object.entries(a).map(([name, level]) => [name, Math.max(level, b?.[name] ?? 0)]),
  );
}

function byTime(facts: Facts): Facts {
  const time = new Date(Number(facts.get("now")) * 1000);
  const day = DAYS[time.getUTCDay()];
  return withFact(withFact(facts, "now.weekday", day), "now.hour", time.getUTCHours());
}

/** Last of all: the label that the program's reference values give to the measurement. */
export function labelled(facts: Facts, program: Program): Facts {
  const label = entryLabels(program.refsets, "measurement").get(String(facts.get("measurement")));
  return withFact(facts, "vm.vcpus", label);
}
