/** Which context does an exported policy set ask about? Cedar's schema in its JSON form, from the vocabulary. */
import type { JsonObject } from "../../base/canonical-json.ts";
import { atomsOf } from "../conditions.ts";
import type { Program } from "../program.ts";
import type { Component, Field, FieldType, Vocabulary } from "../vocabulary.ts";
import { PATH_LENGTH } from "./cedar.ts";

const STRING = { type: "String" };
const LONG = { type: "Long" };
const MAX_SEGMENTS = 16;

/** The schema of the requests of a vocabulary, with the groups whose approvals the program counts. */
export function cedarSchema(program: Program, vocabulary: Vocabulary): JsonObject {
  const attributes = Object.fromEntries([
    ...vocabulary.fields.flatMap((field) => attributesOf(field, vocabulary)),
    ...approvalsOf(program),
  ]);
  return {
    "": {
      entityTypes: { Guest: {}, Secret: {} },
      actions: {
        ask: {
          appliesTo: {
            principalTypes: ["Guest"],
            resourceTypes: ["Secret"],
            context: { type: "Record", attributes },
          },
        },
      },
    },
  };
}

type Attribute = readonly [name: string, type: JsonObject];

function attributesOf(
  { name, type, absence, index }: Field,
  { components }: Vocabulary,
): readonly Attribute[] {
  const attribute = { ...typeOf(type, components), required: absence === undefined };
  if (index === undefined) return [[name, attribute]];
  return Array.from({ length: index.to - index.from + 1 }, (_, at) => [
    `${name}[${index.from + at}]`,
    attribute,
  ]);
}

function typeOf(type: FieldType, components: readonly Component[]): JsonObject {
  switch (type.kind) {
    case "bytes":
    case "enum":
    case "str":
      return STRING;
    case "flag":
      return { type: "Boolean" };
    case "uint":
    case "duration":
      return LONG;
    case "time":
      return { type: "Extension", name: "datetime" };
    case "cidr":
      return { type: "Extension", name: "ipaddr" };
    case "set":
      return { type: "Set", element: STRING };
    case "bits":
      return { type: "Set", element: LONG };
    case "version":
      return { type: "Record", attributes: { major: LONG, minor: LONG, patch: LONG } };
    case "tcb":
      return {
        type: "Record",
        attributes: Object.fromEntries(
          components.map(({ name, absence }) => [name, { ...LONG, required: absence === undefined }]),
        ),
      };
    case "path":
      return { type: "Record", attributes: pathAttributes() };
  }
}

function pathAttributes(): JsonObject {
  const segments = Array.from(
    { length: MAX_SEGMENTS },
    (_, at): Attribute => [String(at), { ...STRING, required: false }],
  );
  return Object.fromEntries([[PATH_LENGTH, LONG], ...segments]);
}

function approvalsOf({ declarations }: Program): readonly Attribute[] {
  const conditions = declarations.flatMap(({ requires, allows, denies }) =>
    [...requires, ...allows, ...denies].flatMap(({ when }) => (when === undefined ? [] : [when])),
  );
  const keys = conditions
    .flatMap(atomsOf)
    .filter(({ field }) => field.fallback !== undefined)
    .map(({ field }) => field.key);
  return [...new Set(keys)].sort().map((key) => [key, { ...LONG, required: false }]);
}
