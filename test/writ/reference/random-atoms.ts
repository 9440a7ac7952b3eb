/** Which conditions are there? One of any field, type and operator, at random, often around what a request says. */
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import type { Facts, FactValue } from "../../../src/writ/facts.ts";
import type { Field } from "../../../src/writ/vocabulary.ts";
import type { Dice } from "./dice.ts";
import { BLOCKS, GROUPS, nearby, randomValue, randomVector, vectorText, written } from "./values.ts";

/** What a condition may name beside fields, and the request that it is steered to. */
export interface Ground {
  readonly dice: Dice;
  readonly target: Facts;
  readonly sets: readonly { readonly name: string; readonly field: string }[];
  readonly floors: readonly string[];
  /** Fields that a require says are there. */
  readonly present: readonly string[];
}

const FIELDS = SNP_VOCABULARY.fields.filter(({ type }) => type.kind !== "path");
const RELATIONS = ["==", "!=", "<", "<=", ">", ">="] as const;
const VECTORS = ["tcb.current", "tcb.reported", "tcb.committed", "tcb.launch"] as const;
const LEVELS: Field = { name: "", type: { kind: "uint", bits: 8 }, doc: "" };

export function randomCondition(ground: Ground, depth: number): string {
  const { dice } = ground;
  if (depth === 0 || dice.chance(45)) return guarded(ground);
  const inner = (): string => randomCondition(ground, depth - 1);
  const members = Array.from({ length: 1 + dice.roll(3) }, inner);
  switch (dice.roll(4)) {
    case 0:
      return `not (${inner()})`;
    case 1:
      return `(${[inner(), ...members].join(dice.chance(50) ? " and " : " or ")})`;
    default:
      return `${dice.pick(["all", "any", "none"])} { ${members.join(", ")} }`;
  }
}

/** One atom; where its field may be absent, with what the checker asks for beside it. */
function guarded(ground: Ground): string {
  const { dice } = ground;
  if (dice.chance(4)) return `approvals from "${dice.pick(GROUPS)}" ${dice.pick(RELATIONS)} ${dice.roll(3)}`;
  const field = dice.pick(FIELDS);
  const index = field.index === undefined ? "" : `[${dice.pick([field.index.from, 11, field.index.to])}]`;
  const name = `${field.name}${index}`;
  if (field.type.kind === "tcb") return vectorAtom(ground, dice.pick(VECTORS));
  return beside(ground, { name, isOptional: field.absence !== undefined }, atom(ground, { field, name }));
}

function beside(
  { dice, present }: Ground,
  { name, isOptional }: { readonly name: string; readonly isOptional: boolean },
  text: string,
): string {
  if (!isOptional) return text;
  if (present.includes(name) && dice.chance(70)) return text;
  return dice.pick([
    `(has ${name} and ${text})`,
    `(not has ${name} or ${text})`,
    `all { has ${name}, not (${text}) }`,
    `none { not has ${name}, ${text} }`,
    `has ${name}`,
  ]);
}

function vectorAtom(ground: Ground, name: string): string {
  const { dice, target, floors } = ground;
  const held = target.get(name) ?? randomVector(dice, false);
  const near = dice.chance(70) ? nearby(dice, held) : held;
  const component = dice.pick(["fmc", "bootloader", "tee", "snp", "microcode"]);
  const part = `${name}.${component}`;
  switch (dice.roll(4)) {
    case 0:
      return floors.length > 0 ? `${name} at least ${dice.pick(floors)}` : `${name} at least { snp 23 }`;
    case 1: {
      const level = Number(new Map(Object.entries(near)).get(component) ?? 3);
      const text = numberAtom(ground, { field: LEVELS, name: part }, level);
      return beside(ground, { name: part, isOptional: component === "fmc" }, text);
    }
    case 2:
      return whole(ground, `${name} == ${vectorText(near)}`, { name, value: near });
    default:
      return whole(ground, `${name} at least ${vectorText(near)}`, { name, value: near });
  }
}

function whole(
  ground: Ground,
  text: string,
  of: { readonly name: string; readonly value: FactValue },
): string {
  const hasFmc = Object.keys(of.value).includes("fmc");
  return beside(ground, { name: `${of.name}.fmc`, isOptional: hasFmc }, text);
}

interface Subject {
  readonly field: Field;
  readonly name: string;
}

function atom(ground: Ground, subject: Subject): string {
  const { dice, target } = ground;
  const { type } = subject.field;
  const held = target.get(subject.name);
  const value = held !== undefined && dice.chance(70) ? held : randomValue(dice, type);
  switch (type.kind) {
    case "flag":
      return held === false && dice.chance(60) ? `not ${subject.name}` : subject.name;
    case "bytes":
      return memberAtom(ground, subject) ?? wordAtom(ground, subject, value);
    case "enum":
    case "str":
      return wordAtom(ground, subject, value);
    case "set":
      return `${subject.name} contains ${JSON.stringify(dice.pick(["test", "aws", "blue"]))}`;
    case "cidr":
      return `${subject.name} within ${JSON.stringify(dice.some(BLOCKS, 1 + dice.roll(2)))}`;
    case "bits":
      return dice.chance(50)
        ? `${subject.name} contains bit ${dice.pick([0, 1, 2, 63])}`
        : `${subject.name} contains bits [${dice.some([0, 1, 2, 63], 2).join(", ")}]`;
    default:
      return numberAtom(ground, subject, value);
  }
}

function memberAtom({ dice, sets }: Ground, { name }: Subject): string | undefined {
  const own = sets.filter((set) => set.field === name);
  if (own.length === 0 || dice.chance(30)) return undefined;
  const where = dice.chance(30) ? ` where version ${dice.pick(RELATIONS)} 1.${dice.roll(3)}` : "";
  return `${name} in ${dice.pick(own).name}${where}`;
}

function wordAtom({ dice }: Ground, { field, name }: Subject, value: FactValue): string {
  const text = (one: FactValue): string => written(field.type, one);
  if (dice.chance(60)) return `${name} ${dice.pick(["==", "!="])} ${text(value)}`;
  const list = [value, randomValue(dice, field.type), randomValue(dice, field.type)].map(text);
  return `${name} in [${[...new Set(list)].join(", ")}]`;
}

/** Numbers, durations, times and versions have an order. */
function numberAtom({ dice }: Ground, { field, name }: Subject, value: FactValue): string {
  const { type } = field;
  const limit = type.kind === "uint" ? 2 ** type.bits - 1 : Number.MAX_SAFE_INTEGER;
  const bounded = (one: FactValue): FactValue => (typeof one === "number" ? Math.min(one, limit) : one);
  const text = written(type, bounded(nearby(dice, value)));
  if (type.kind === "uint" && dice.chance(20))
    return `${name} in [${text}, ${written(type, bounded(value))}]`;
  if (dice.chance(70) || typeof value !== "number") return `${name} ${dice.pick(RELATIONS)} ${text}`;
  const upper = bounded(value + dice.pick([0, 1, 2, 3600]) + (type.kind === "time" ? 1 : 0));
  return `${name} in ${written(type, bounded(value))} .. ${written(type, upper)}`;
}
