/** How do facts ask the exported policies? As a Cedar context, by the types of their fields, and as a call of its engine. */
import {
  type CedarValueJson,
  preparsePolicySet,
  preparseSchema,
  type Schema,
  statefulIsAuthorized,
} from "@cedar-policy/cedar-wasm/nodejs";
import { canonicalJson } from "../../../src/base/canonical-json.ts";
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { cedarPolicies } from "../../../src/writ/exporting/cedar.ts";
import { cedarSchema } from "../../../src/writ/exporting/cedar-schema.ts";
import { type Facts, type FactValue, isVector, isVersion } from "../../../src/writ/facts.ts";
import type { Program } from "../../../src/writ/program.ts";

const TYPES = new Map(SNP_VOCABULARY.fields.map(({ name, type }) => [name, type.kind]));

/** Approvals of groups that no policy counts are unknown to the schema. */
function contextOf(facts: Facts, asked: string): Record<string, CedarValueJson> {
  const known = [...facts].filter(
    ([key]) => !key.startsWith("approvals:") || asked.includes(JSON.stringify(key)),
  );
  return Object.fromEntries(known.map(([key, value]) => [key, valueJson(kindOf(key), value)]));
}

function kindOf(key: string): string {
  return TYPES.get(key.replace(/\[\d+\]$/, "")) ?? "uint";
}

function valueJson(kind: string, value: FactValue): CedarValueJson {
  if (isVersion(value) && kind === "version") return { major: value[0], minor: value[1], patch: value[2] };
  if (isVector(value)) return { ...value };
  switch (kind) {
    case "time":
      return {
        __extn: { fn: "datetime", arg: new Date(Number(value) * 1000).toISOString().replace(/\.000Z$/, "Z") },
      };
    case "cidr":
      return { __extn: { fn: "ip", arg: String(value) } };
    case "bits":
      return [...BigInt(String(value)).toString(2)]
        .reverse()
        .flatMap((digit, at) => (digit === "1" ? [at] : []));
    case "path": {
      const segments = String(value).split("/");
      return {
        length: segments.length,
        ...Object.fromEntries(segments.map((segment, at) => [String(at), segment])),
      };
    }
    default:
      if (typeof value === "bigint") return value.toString();
      return typeof value === "object" ? [...value] : value;
  }
}

export interface Engine {
  readonly text: string;
  readonly schema: Schema;
  readonly isAllowed: (facts: Facts) => boolean;
}

/** As Cedar's own type: the text goes through its reader anyway. */
function schemaOf(program: Program): Schema {
  return JSON.parse(canonicalJson(cedarSchema(program, SNP_VOCABULARY)));
}

let engines = 0;

/** An engine of its own for each program; requests are held to the schema. @throws where Cedar cannot use what was exported. */
export function engineOf(program: Program, text = cedarPolicies(program, SNP_VOCABULARY)): Engine {
  const schema = schemaOf(program);
  engines += 1;
  const name = `engine ${engines % 8}`;
  for (const answer of [preparseSchema(name, schema), preparsePolicySet(name, { staticPolicies: text })])
    if (answer.type === "failure") throw new Error(answer.errors.map(({ message }) => message).join("; "));
  return {
    text,
    schema,
    isAllowed: (facts) => {
      const answer = statefulIsAuthorized({
        principal: { type: "Guest", id: "g" },
        action: { type: "Action", id: "ask" },
        resource: { type: "Secret", id: "s" },
        context: contextOf(facts, text),
        preparsedSchemaName: name,
        preparsedPolicySetId: name,
        validateRequest: true,
        entities: [],
      });
      if (answer.type === "failure") throw new Error(answer.errors.map(({ message }) => message).join("; "));
      const { decision, diagnostics } = answer.response;
      if (diagnostics.errors.length > 0)
        throw new Error(diagnostics.errors.map(({ error }) => error.message).join("; "));
      return decision === "allow";
    },
  };
}
