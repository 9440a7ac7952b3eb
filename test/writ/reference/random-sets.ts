/** Which policy sets are there? Random sources of several files: reference values, floors, templates, policies, guards. */
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import type { Facts } from "../../../src/writ/facts.ts";
import type { SourceFile } from "../../../src/writ/sources.ts";
import type { Dice } from "./dice.ts";
import { type Ground, randomCondition } from "./random-atoms.ts";
import { MOMENTS, moment, randomVector, SEGMENTS, vectorText } from "./values.ts";

const SET_FIELDS = [
  "measurement",
  "measurement",
  "id_block.author_key",
  "host_data",
  "report.chip_id",
  "vtpm.pcr[11]",
];
const OPTIONAL = SNP_VOCABULARY.fields.flatMap(({ name, absence, index }) =>
  absence === undefined || index !== undefined ? [] : [name],
);
const PCR = "vtpm.pcr[11]";

/** The texts of one policy set, without errors as far as the rules of the checker are known here. */
export function randomSet(dice: Dice, target: Facts): readonly SourceFile[] {
  const setNames = dice.some(["s0", "s1", "s2"], dice.roll(4));
  const sets = setNames.map((name) => ({ name, field: dice.pick(SET_FIELDS) }));
  const floors = dice.some(["f0", "f1"], dice.roll(3));
  const ground: Ground = { dice, target, sets, floors, present: [] };
  const templates = dice.chance(40) ? ["t0"] : [];
  const names = [...setNames, ...floors, ...templates];
  const shared = [
    ...sets.map((set) => refsetText(ground, set)),
    ...floors.map((name) => floorText(dice, name)),
    ...templates.map(() => templateText(ground)),
  ];
  const files = Array.from({ length: 1 + dice.roll(2) }, (_, at) => {
    const module = dice.chance(60) ? `module m${at} version 1.0.0\n` : "";
    const imports = names.length === 0 ? "" : `import "refs.writ" { ${names.join(", ")} }\n`;
    const rules = Array.from({ length: 1 + dice.roll(3) }, (_unused, index) =>
      ruleSetText(ground, `r${at}x${index}`, templates),
    );
    return { path: `p${at}.writ`, text: `writ 1\n${module}${imports}${rules.join("\n")}` };
  });
  return [{ path: "refs.writ", text: `writ 1\nmodule refs version 1.0.0\n${shared.join("\n")}` }, ...files];
}

function refsetText(
  { dice, target }: Ground,
  set: { readonly name: string; readonly field: string },
): string {
  const size = sizeOf(set.field);
  const held = target.get(set.field);
  const values = dice.some(["01", "02", "03", "04", "ff"], 1 + dice.roll(4)).map((byte) => byte.repeat(size));
  const all = typeof held === "string" && dice.chance(80) ? [...new Set([held, ...values])] : values;
  const entries = all.map((value, at) => {
    const version = dice.chance(60) ? ` version 1.${dice.roll(3)}` : "";
    const vcpus = dice.chance(40) ? ` vcpus ${1 + dice.roll(4)}` : "";
    const valid = dice.chance(35) ? ` valid ${windowText(dice)}` : "";
    const state = dice.chance(40) ? ` state ${dice.pick(["active", "retiring", "retiring", "revoked"])}` : "";
    return `  "e${at}" = hex"${value}"${version}${vcpus}${valid}${state}`;
  });
  return `refset ${set.name} of ${set.field} {\n${entries.join("\n")}\n}`;
}

function sizeOf(name: string): number {
  const field = SNP_VOCABULARY.fields.find((one) => one.name === name.replace(/\[.*/, ""));
  return field?.type.kind === "bytes" ? field.type.size : 0;
}

function windowText(dice: Dice): string {
  const from = dice.pick(MOMENTS);
  const later = MOMENTS.filter((one) => one > from);
  const to = later.length > 0 && dice.chance(70) ? ` ${moment(dice.pick(later))}` : "";
  return `${moment(from)} ..${to}`;
}

function floorText(dice: Dice, name: string): string {
  const rows = ["milan", "milan-x", "genoa", "siena", "turin", "turin-dense"].flatMap((row) => {
    if (dice.chance(35)) return [];
    if (dice.chance(15)) return [`  ${row} refuse`];
    const vector = { ...randomVector(dice, row.startsWith("turin")), snp: dice.pick([3, 4, 23, 24]) };
    return [`  ${row} ${vectorText(vector)}`];
  });
  const all = rows.length === 0 ? ["  milan { bootloader 3, tee 0, snp 23, microcode 3 }"] : rows;
  return `floor ${name} {\n${all.join("\n")}\n}`;
}

function templateText(ground: Ground): string {
  const { dice } = ground;
  const deny = dice.chance(40) ? `\n  deny when ${randomCondition(ground, 1)}` : "";
  const release = dice.chance(40) ? `\n  on release { token_ttl ttl }` : "";
  return `template t0(most, ttl) {
  require vmpl <= most
  require endorsement.crl_age >= ttl or ${randomCondition({ ...ground }, 0)}${deny}${release}
}`;
}

function ruleSetText(ground: Ground, name: string, templates: readonly string[]): string {
  const { dice, target } = ground;
  const isPolicy = dice.chance(75);
  const present = dice.chance(50) ? dice.some([...OPTIONAL, PCR], 2).filter((one) => target.has(one)) : [];
  const inside: Ground = { ...ground, present: isPolicy ? present : [] };
  const repeated = (most: number, line: () => string): readonly string[] =>
    Array.from({ length: dice.roll(most + 1) }, line);
  const when = (at: Ground): string => randomCondition(at, 2);
  const lines = [
    `for resource ${repeatedPatterns(dice, String(target.get("request.resource")))}`,
    ...(dice.chance(20) ? [`valid ${windowText(dice)}`] : []),
    ...(dice.chance(25) ? [`platform ${dice.pick(SNP_VOCABULARY.platforms).name}`] : []),
    ...(templates.length > 0 && dice.chance(30)
      ? [`use t0(${dice.roll(3)}, ${dice.pick(["1s", "1h"])})`]
      : []),
    ...inside.present.map((field) => `require has ${field}`),
    ...repeated(isPolicy ? 2 : 1, () => `require ${when(inside)}`),
    ...repeated(1, () => `deny ${dice.chance(40) ? '"no" ' : ""}when ${randomCondition(ground, 2)}`),
  ];
  const own = isPolicy ? [...allowsText(inside), ...releaseText(inside)] : [];
  return `${isPolicy ? "policy" : "guard"} ${name} {\n  ${[...lines, ...own].join("\n  ")}\n}`;
}

function allowsText(ground: Ground): readonly string[] {
  const { dice } = ground;
  return Array.from({ length: 1 + dice.roll(2) }, (_, at) => {
    const label = dice.chance(60) ? ` "a${at}"` : "";
    return `allow${label}${dice.chance(45) ? "" : ` when ${randomCondition(ground, 2)}`}`;
  });
}

function releaseText(ground: Ground): readonly string[] {
  const { dice } = ground;
  if (dice.chance(40)) return [];
  const one = (...texts: readonly string[]): readonly string[] => (dice.chance(35) ? [dice.pick(texts)] : []);
  const per = [
    "report.id",
    "measurement",
    "request.resource",
    "approvals",
    "broker.region",
    ...ground.present.slice(0, 1),
  ].filter((field) => !field.startsWith("mitigations") && field !== "client.sans");
  const items = [
    ...one("token_ttl 30s", "token_ttl 2m", "token_ttl 999ms"),
    ...one(
      ...per.flatMap((field) => [`max_releases 3 per ${field}`, `max_releases 1 per ${field} within 1h`]),
    ),
    ...one("rate 5 per 1m", "rate 1 per 1s"),
    ...one("wrap hpke-x25519", "wrap hpke-xwing"),
    ...one("key_version any", "key_version current", "key_version >= 2", "key_version >= 7"),
    ...one("reattest every 1h", "reattest every 1m"),
    ...one("approvals_expire 5m", "approvals_expire 10m"),
    ...one('notify "a"', 'notify "b" "a"'),
    ...one("audit full", "audit summary"),
  ];
  return items.length === 0 ? [] : [`on release {\n    ${items.join("\n    ")}\n  }`];
}

/** Patterns around the resource of the target, and others. */
function repeatedPatterns(dice: Dice, resource: string): string {
  const segments = resource.split("/");
  const starred = segments.map((one) => (dice.chance(30) ? "*" : one)).join("/");
  const all = [starred, `${segments[0] ?? ""}/**`, "**", resource, `${dice.pick(SEGMENTS)}/*`];
  return dice
    .some(all, 1 + dice.roll(2))
    .map((one) => JSON.stringify(one))
    .join(", ");
}
