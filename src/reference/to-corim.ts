/** How do reference sets and floors leave Writ? As a CoRIM of AMD's profile, signed or not, and in words all that it cannot say. */
import type { ProductLine } from "../attestation/snp/product.ts";
import { encodeTcb } from "../attestation/snp/tcb.ts";
import { parseHex } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { Reader } from "../base/reader.ts";
import type { Instant } from "../base/time.ts";
import type { Entry, Floor, FloorRow, Refset } from "../writ/program.ts";
import { vcpusOf } from "./carried.ts";
import { type Cbor, encodeCbor, mapOf } from "./cbor.ts";
import { COMID_TAG, CONTENT_TYPES, CORIM_TAG } from "./corim.ts";
import { makeSign1, type SigningKey } from "./sign1.ts";
import { ELEMENTS, LAYOUTS, MODELS, SNP_PROFILES, type TcbName, WRITTEN_CLASS } from "./snp-profile.ts";

/** What is to be said. Of a set, the entries that were chosen. */
export interface Statement {
  readonly id: string;
  /** Who says it: the name of an organisation or an address. */
  readonly signer: string;
  readonly sets: readonly Pick<Refset, "name" | "module" | "field" | "entries">[];
  readonly floors: readonly {
    readonly floor: Pick<Floor, "name" | "module" | "rows">;
    readonly tcb: TcbName;
  }[];
  /** From and to of all of it; absent where the entries have no window. */
  readonly window?: { readonly from: Instant; readonly to: Instant };
}

export interface MadeCorim {
  readonly bytes: Uint8Array;
  /** What the CoRIM does not say of that. */
  readonly notes: readonly string[];
}

const SEMVER = 16_384;
const SHA384 = 7n;
const TAGS = { uri: 32, oid: 111, moment: 1, leastSvn: 553, bytes: 560 };
const CREATOR = { ofManifest: 1n, ofTag: 0n };

/**
 * Writes a CoRIM, in one form: the same statement gives the same bytes, but for an ECDSA signature.
 *
 * @param key - Signs it; `undefined` for none.
 * @throws {@link Fault} `reference/nothing-carried` for a field that the profile does not have, or nothing to say; `file/unusable`.
 */
export async function makeCorim(
  statement: Statement,
  key: SigningKey | undefined,
  primitives: Primitives,
): Promise<MadeCorim> {
  const { signer, window } = statement;
  const notes: string[] = [];
  const validity = window && mapOf([0, moment(window.from)], [1, moment(window.to)]);
  const payload = encodeCbor({ tag: CORIM_TAG, value: contentOf(statement, validity, notes) });
  if (key === undefined) return { bytes: payload, notes };
  const meta = encodeCbor(mapOf([0, mapOf([0, signer])], [1, validity]));
  const signed = await makeSign1(payload, { contentType: CONTENT_TYPES[0], meta }, key, primitives);
  return { bytes: encodeCbor(signed), notes };
}

function contentOf(
  { id, signer, sets, floors }: Statement,
  validity: Cbor | undefined,
  notes: string[],
): Cbor {
  const comids = [
    ...sets.map((set) => comidOf(set, signer, setTriples(set, notes))),
    ...floors.map(({ floor, tcb }) => comidOf(floor, signer, floorTriples(floor, tcb, notes))),
  ].filter((comid) => comid !== undefined);
  if (comids.length === 0) throw nothing("expected a reference value that a CoRIM can hold");
  return mapOf(
    [0, id],
    [1, comids],
    [3, { tag: TAGS.uri, value: SNP_PROFILES[0] }],
    [4, validity],
    [5, [mapOf([0, signer], [2, [CREATOR.ofManifest]])]],
  );
}

/** One tag for a set or floor; `undefined` where it would be empty. */
function comidOf(
  { module, name }: { readonly module: string; readonly name: string },
  signer: string,
  triples: readonly Cbor[],
): Cbor | undefined {
  if (triples.length === 0) return undefined;
  const comid = mapOf(
    [1, mapOf([0, `${module}/${name}`])],
    [2, [mapOf([0, signer], [2, [CREATOR.ofTag]])]],
    [4, mapOf([0, triples])],
  );
  return { tag: COMID_TAG, value: encodeCbor(comid) };
}

/** A triple for each entry: together in one they would all have to hold at once. */
function setTriples({ name, field, entries }: Statement["sets"][number], notes: string[]): readonly Cbor[] {
  const [key, element] = [...ELEMENTS].find(([, one]) => one.kind === "set" && one.field === field) ?? [];
  if (key === undefined || element === undefined)
    throw nothing(
      `expected sets of measurement, host_data or ID block keys, received \`${name}\` of ${field}`,
    );
  return entries.flatMap((entry) => {
    if (entry.state === "revoked") {
      notes.push(`"${entry.label}" of ${name}: it is revoked, and a CoRIM only says what is right`);
      return [];
    }
    tellUnsaid(name, entry, notes);
    return [[environmentOf(), [mapOf([0, key], [1, valuesOf(field, entry)])]]];
  });
}

function valuesOf(field: string, { label, value, version }: Entry): Cbor {
  const bytes = parseHex(value) ?? new Uint8Array(0);
  const isDigest = field !== "host_data";
  return mapOf(
    [0, version && mapOf([0, version.join(".")], [1, BigInt(SEMVER)])],
    [2, isDigest ? [[SHA384, bytes]] : undefined],
    [4, isDigest ? undefined : { tag: TAGS.bytes, value: bytes }],
    [11, label],
  );
}

/** `source` names where the value came from, and stays here: there, the issuer's word is all that counts. */
function tellUnsaid(name: string, { label, vcpus, state, source }: Entry, notes: string[]): void {
  if (vcpus !== vcpusOf(label)) notes.push(`"${label}" of ${name}: vcpus, which its label does not end with`);
  if (state === "retiring") notes.push(`"${label}" of ${name}: that it retires`);
  if (source !== undefined) notes.push(`"${label}" of ${name}: its source`);
}

/** A least version for each product of AMD's. */
function floorTriples(
  { name, rows }: Statement["floors"][number]["floor"],
  tcb: TcbName,
  notes: string[],
): readonly Cbor[] {
  const [key] = [...ELEMENTS].find(([, one]) => one.kind === "tcb" && one.tcb === tcb) ?? [];
  if (key === undefined) return [];
  return rows.flatMap((row) => {
    const [model, product] = [...MODELS].find(([, line]) => line === row.name) ?? [];
    if (model === undefined || product === undefined || row.least === undefined) {
      notes.push(
        `${row.name} of ${name}: ${row.least === undefined ? "that it is refused" : "a line of silicon, not a product"}`,
      );
      return [];
    }
    const least = mapOf([1, { tag: TAGS.leastSvn, value: levelOf(row, product) }]);
    return [[environmentOf(model), [mapOf([0, key], [1, least])]]];
  });
}

/** A component that the row does not name is 0 there: both ask nothing of it. */
function levelOf({ least = {} }: FloorRow, product: ProductLine): bigint {
  const { fmc, bootloader = 0, tee = 0, snp = 0, microcode = 0 } = least;
  const tcb = { ...(fmc === undefined ? {} : { fmc }), bootloader, tee, snp, microcode };
  return new Reader(encodeTcb(tcb, LAYOUTS[product]), "internal/invariant").u64le();
}

function environmentOf(model?: string): Cbor {
  const classId = { tag: TAGS.oid, value: parseHex(WRITTEN_CLASS) ?? new Uint8Array(0) };
  return mapOf([0, mapOf([0, classId], [2, model])]);
}

function moment(at: Instant): Cbor {
  return { tag: TAGS.moment, value: BigInt(at) };
}

function nothing(message: string): Fault {
  return new Fault("reference/nothing-carried", message);
}
