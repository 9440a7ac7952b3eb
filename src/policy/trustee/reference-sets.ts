/** Where do reference values go in Writ? Digests into sets with labels and windows, numbers and flags to where they are compared. */
import { hexOf } from "../../base/bytes.ts";
import type { JsonValue } from "../../base/canonical-json.ts";
import type { Claim, Tee } from "./claims.ts";
import { atomOf, compared, digestOf } from "./compare.ts";
import { all, any, type Condition, NEVER } from "./condition.ts";
import { before, type ReferenceValue, type ReferenceValues } from "./reference-values.ts";
import { type Sym, unclearSym } from "./symbols.ts";

export interface ReferenceSets {
  readonly references: (name: string) => Sym;
  /** Writ for "is one of these"; `undefined` where they are none for this claim. */
  readonly inReferences: (
    tee: Tee,
    claim: Claim,
    values: Extract<Sym, { kind: "references" }>,
  ) => Condition | undefined;
  /** The sets that were asked for. */
  readonly texts: () => readonly string[];
}

/** @param tell - Is given what is no value. */
export function referenceSets(values: ReferenceValues, tell: (why: string) => void): ReferenceSets {
  const sets = new Map<string, string>();
  return {
    references: (name) => {
      const value = values.get(name);
      // A list that is not whole says nothing about what is missing in it: not that nothing equals it either.
      return value === undefined
        ? unclearSym(`the reference value \`${name}\` is not in the list`)
        : { kind: "references", name, value };
    },
    inReferences: (tee, claim, { name, value }) => {
      // `in` a scalar holds for nothing.
      if (!isList(value.value)) return NEVER;
      if (claim.type.kind !== "bytes") return oneOf(tee, claim, value);
      const digests = digestsOf(name, value.value, claim.type.size, tell);
      if (digests.length === 0) return NEVER;
      const set = setName(name, claim);
      sets.set(set, setText(set, claim, { name, digests, until: value.until }));
      return atomOf(tee, claim, `${claim.field} in ${set}`);
    },
    texts: () => [...sets.values()],
  };
}

function oneOf(tee: Tee, claim: Claim, { value, until }: ReferenceValue): Condition | undefined {
  const each = (isList(value) ? value : []).map((one) => compared(tee, claim, "==", one));
  const told = each.flatMap((one) => (one === undefined ? [] : [one]));
  if (told.length < each.length) return undefined;
  return all([any(told), before(until)]);
}

function digestsOf(
  name: string,
  values: readonly JsonValue[],
  size: number,
  tell: (why: string) => void,
): readonly string[] {
  const digests = values.map((value) => digestOf(value, size));
  for (const [at, digest] of digests.entries()) {
    if (digest === undefined) tell(`value ${at + 1} of \`${name}\` is no digest of ${size} bytes`);
  }
  return [...new Set(digests.flatMap((digest) => (digest === undefined ? [] : [hexOf(digest)])))];
}

/** A name of Writ: one set for each list and field. */
function setName(name: string, { field }: Claim): string {
  const words = `${name} of ${field}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_");
  return `rv_${words.slice(0, MAX_NAME)}`.replace(/_+$/, "");
}

const MAX_NAME = 120;
const ALWAYS_BEFORE = "1970-01-01";

interface SetParts {
  readonly name: string;
  readonly digests: readonly string[];
  readonly until: string | undefined;
}

function setText(set: string, { field }: Claim, { name, digests, until }: SetParts): string {
  const label = name.replaceAll(/[^A-Za-z0-9_.-]/g, "_").slice(0, MAX_NAME);
  const window = until === undefined ? "" : ` valid ${ALWAYS_BEFORE} .. ${until}`;
  const entries = digests.map(
    (hex, at) => `"${label} / ${at + 1}" = hex"${hex}"${window} source "Trustee: ${label}"`,
  );
  return [`refset ${set} of ${field} {`, ...entries, "}"].join("\n");
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
