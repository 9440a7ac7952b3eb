/** What does `field = value` of a test set? A fact of the field's type (WRIT section 13). */
import { parseAddress } from "../addresses.ts";
import { advice } from "../diagnostics/findings.ts";
import type { FactValue } from "../facts.ts";
import type { FieldRef } from "../program.ts";
import type { Literal, Setting } from "../syntax/ast.ts";
import type { FieldSetting } from "../test-case.ts";
import {
  bytesOf,
  integerOf,
  levelsOf,
  orderedOf,
  stringOf,
  tellWrongKind,
  versionOf,
  wordOf,
} from "./constants.ts";
import { boundOf, type Desk, fieldOf, namesOfKind, originOf, suggestion, tell } from "./desk.ts";
import { typeWords } from "./fields.ts";

type Value = Setting["value"];

const MAX_APPROVALS = 255;

/** The setting; `undefined` when something in it was reported. */
export function settingOf(desk: Desk, setting: Setting): FieldSetting | undefined {
  const field = targetOf(desk, setting.target);
  if (field === undefined) return undefined;
  const origin = originOf(desk, setting.span);
  if (setting.value.kind === "absent") return absentOf(desk, setting, field);
  const value = factOf(desk, field, setting.value);
  return value === undefined ? undefined : { field, value, origin };
}

function targetOf(desk: Desk, target: Setting["target"]): FieldRef | undefined {
  if (!("approvals" in target)) return fieldOf(desk, target)?.ref;
  const key = `approvals:${target.approvals.value}`;
  return { name: key, key, type: { kind: "uint", bits: 8 } };
}

function absentOf(desk: Desk, { value, span }: Setting, field: FieldRef): FieldSetting | undefined {
  const isOptional = field.absentWhere !== undefined || field.key.startsWith("approvals:");
  if (isOptional && field.component === undefined) return { field, origin: originOf(desk, span) };
  const message =
    field.component === undefined
      ? `\`${field.name}\` is never absent`
      : `\`${field.name}\` goes with its ${desk.table.vocabulary.vector} and the product`;
  tell(desk, { code: "E0901", span: value.span, message, label: "cannot be taken away" });
  return undefined;
}

function factOf(desk: Desk, field: FieldRef, value: Value): FactValue | undefined {
  switch (value.kind) {
    case "reference":
      return entryValue(desk, field, value);
    case "list":
      return listOf(desk, field, value);
    case "absent":
      return undefined;
    default:
      return literalOf(desk, field, value);
  }
}

function literalOf(desk: Desk, field: FieldRef, literal: Literal): FactValue | undefined {
  switch (field.type.kind) {
    case "bytes":
      return bytesOf(desk, field, literal);
    case "flag":
      return truthOf(desk, field, literal);
    case "uint":
      return field.key.startsWith("approvals:")
        ? integerOf(desk, literal, { what: "a number of approvals", least: 0, most: MAX_APPROVALS })
        : orderedOf(desk, field, literal);
    case "duration":
    case "time":
      return orderedOf(desk, field, literal);
    case "tcb":
      return vectorOf(desk, field, literal);
    case "version":
      return versionOf(desk, field, literal);
    case "enum":
      return wordOf(desk, field, literal);
    case "str":
    case "path":
      return stringOf(desk, field, literal);
    case "cidr":
      return addressOf(desk, field, literal);
    case "set":
    case "bits":
      return tellNoList(desk, field, literal);
  }
}

/** Conditions ask for one member or bit; a test says which there are. */
function tellNoList(desk: Desk, field: FieldRef, { kind, span }: Literal): undefined {
  if (kind === "broken") return undefined;
  tell(desk, {
    code: "E0302",
    span,
    message: `\`${field.name}\` is ${typeWords(field.type, desk.table.vocabulary)}`,
    label: "wrong kind of value",
    helps: advice(
      field.type.kind === "set" ? 'set it to a list: `["…"]`' : "set it to the bits that are set: `[0, 3]`",
    ),
  });
  return undefined;
}

function truthOf(desk: Desk, field: FieldRef, literal: Literal): boolean | undefined {
  if (literal.kind === "name" && literal.text === "true") return true;
  if (literal.kind === "name" && literal.text === "false") return false;
  tell(desk, {
    code: "E0302",
    span: literal.span,
    message: `\`${field.name}\` is a flag`,
    label: "wrong kind of value",
    helps: advice("set it to `true` or `false`"),
  });
  return undefined;
}

/** A vector names every component of some product: which product it is, the axioms ask. */
function vectorOf(desk: Desk, field: FieldRef, literal: Literal): FactValue | undefined {
  if (literal.kind !== "tcb") return tellWrongKind(desk, field, literal);
  const levels = levelsOf(desk, literal);
  if (levels === undefined) return undefined;
  const named = Object.keys(levels);
  const isWhole = desk.table.vocabulary.products.some(
    ({ components }) => components.length === named.length && components.every((one) => named.includes(one)),
  );
  if (isWhole) return levels;
  tell(desk, {
    code: "E0313",
    span: literal.span,
    message: `a test sets whole ${desk.table.vocabulary.vector} vectors, and this one is not whole`,
    label: "not the components of any product",
    helps: advice(`to change one component, set \`${field.name}.${named[0] ?? "component"}\``),
  });
  return undefined;
}

function addressOf(desk: Desk, field: FieldRef, literal: Literal): string | undefined {
  const text = stringOf(desk, field, literal);
  if (text === undefined || parseAddress(text) !== undefined) return text;
  tell(desk, {
    code: "E0206",
    span: literal.span,
    message: `\`${text}\` is not an address`,
    label: "no address",
  });
  return undefined;
}

/** A set of strings, or the numbers of the bits that are set. */
function listOf(
  desk: Desk,
  field: FieldRef,
  { list, span }: Extract<Value, { readonly kind: "list" }>,
): FactValue | undefined {
  if (field.type.kind === "set") {
    const texts = list.flatMap((literal) => stringOf(desk, field, literal) ?? []);
    return texts.length === list.length ? texts : undefined;
  }
  if (field.type.kind === "bits") {
    const most = field.type.bits - 1;
    const bits = list.flatMap((one) => integerOf(desk, one, { what: "a bit", least: 0, most }) ?? []);
    return bits.length === list.length
      ? bits.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n)
      : undefined;
  }
  tell(desk, {
    code: "E0302",
    span,
    message: `\`${field.name}\` is ${typeWords(field.type, desk.table.vocabulary)}, but this is a list`,
    label: "wrong kind of value",
  });
  return undefined;
}

/** `set["label"]`: the bytes of one entry, a revoked one too. */
function entryValue(
  desk: Desk,
  field: FieldRef,
  { set, label }: Extract<Value, { readonly kind: "reference" }>,
): string | undefined {
  const { bound } = boundOf(desk, set);
  const known = bound === undefined ? undefined : desk.known.sets.get(bound.item)?.set;
  if (known === undefined) {
    if (bound?.item.kind === "refset") return undefined; // what is wrong with it was said there
    tell(desk, {
      code: "E0309",
      span: set.span,
      message: `unknown reference set \`${set.text}\``,
      label: "neither declared nor imported",
      helps: suggestion(desk, set, namesOfKind(desk, "refset")),
    });
    return undefined;
  }
  const entry = known.entries.find((one) => one.label === label.value);
  if (entry === undefined) {
    const labels = known.entries.map((one) => one.label);
    tell(desk, {
      code: "E0902",
      span: label.span,
      message: `\`${set.text}\` has no entry "${label.value}"`,
      label: "no such entry",
      helps: advice(`its entries: ${labels.slice(0, 8).join(", ")}${labels.length > 8 ? ", …" : ""}`),
    });
    return undefined;
  }
  if (known.field === field.name || sameSize(desk, known.field, field)) return entry.value;
  const message = `\`${set.text}\` holds values of \`${known.field}\`, not of \`${field.name}\``;
  tell(desk, { code: "E0311", span: set.span, message, label: "another field" });
  return undefined;
}

/** Members of one family hold the same kind of value. */
function sameSize(desk: Desk, written: string, field: FieldRef): boolean {
  const [base] = field.name.split("[");
  return written.split("[")[0] === base && desk.table.families.has(base ?? "");
}
