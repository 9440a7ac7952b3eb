/** What does one tag of a CoRIM say? A CoMID, read: which environment, and what is to be measured there. */
import { hexOf } from "../base/bytes.ts";
import { plainName } from "./carried.ts";
import { type Cbor, type CborKey, decodeCbor } from "./cbor.ts";
import {
  bytesOf,
  type Fields,
  field,
  fieldsOf,
  listOf,
  malformed,
  pairOf,
  tagOf,
  textOf,
  unknownKeys,
  untagged,
} from "./fields.ts";

export interface Comid {
  readonly tagId: string;
  readonly version: bigint;
  readonly triples: readonly ReferenceTriple[];
  /** What it says beside reference values, for whoever has to be told that it was passed over. */
  readonly others: readonly string[];
}

/** An environment and what is right to be measured in it. */
export interface ReferenceTriple {
  readonly environment: Environment;
  readonly measurements: readonly Measurement[];
}

export interface Environment {
  /** Hex of an OID's content or of a UUID; `undefined` for what is neither. */
  readonly classId: string | undefined;
  /** A product of AMD's: Milan, Genoa, Turin. */
  readonly model: string | undefined;
  /** One chip or provider, of which alone the values speak. */
  readonly hasInstance: boolean;
  /** What of it is not known here: an environment of which one does not know what it is. */
  readonly others: readonly string[];
}

export interface Measurement {
  /** The number of a measured element; a text for what is named otherwise; `undefined` where nothing is named. */
  readonly key: bigint | string | undefined;
  readonly values: Fields;
  readonly others: readonly string[];
}

const COMID = { language: 0, identity: 1, entities: 2, linked: 3, triples: 4 };
const OID_TAG = 111;
const UUID_TAG = 37;
const UUID_SIZE = 16;
const TRIPLES: Readonly<Record<string, string>> = {
  1: "endorsed values",
  2: "identity keys",
  3: "attestation keys",
  4: "dependencies",
  5: "memberships",
  6: "CoSWID triples",
  8: "conditional series",
  10: "conditional endorsements",
};

/**
 * Reads a concise-mid-tag.
 *
 * @param bytes - What stands under tag 506, attacker-controlled.
 * @throws {@link Fault} `reference/malformed`.
 * @see draft-ietf-rats-corim section 5 (the names and numbers of fields)
 */
export function parseComid(bytes: Uint8Array): Comid {
  const comid = fieldsOf(decodeCbor(bytes), "CoMID");
  const identity = fieldsOf(field(comid, COMID.identity), "CoMID tag-identity");
  const tagId = plainName(idOf(field(identity, 0), "CoMID tag-id"));
  const version = field(identity, 1) ?? 0n;
  if (typeof version !== "bigint" || version < 0n) throw malformed("CoMID tag-version: expected a number");
  const triples = fieldsOf(field(comid, COMID.triples), "CoMID triples");
  const references = field(triples, 0);
  return {
    tagId,
    version,
    triples: references === undefined ? [] : listOf(references, "reference triples").map(tripleOf),
    others: [
      ...unknownKeys(triples, [0]).map((key) => TRIPLES[String(key)] ?? `triples of kind ${key}`),
      ...(field(comid, COMID.linked) === undefined ? [] : ["links to other tags, which it may replace"]),
      ...unknownKeys(comid, Object.values(COMID)).map((key) => `field ${key} of the tag`),
    ],
  };
}

/** A text, or a UUID of 16 bytes with or without its tag. */
export function idOf(item: Cbor | undefined, what: string): string {
  const plain = untagged(item, UUID_TAG) ?? item;
  if (!(plain instanceof Uint8Array)) return textOf(plain, what);
  if (plain.length !== UUID_SIZE) throw malformed(`${what}: expected a text or a UUID`);
  return hexOf(plain).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function tripleOf(item: Cbor): ReferenceTriple {
  const [environment, measurements] = pairOf(item, "reference triple");
  return {
    environment: environmentOf(fieldsOf(environment, "environment")),
    measurements: listOf(measurements, "measurements").map(measurementOf),
  };
}

function environmentOf(environment: Fields): Environment {
  const klass = field(environment, 0);
  const fields = klass === undefined ? undefined : fieldsOf(klass, "environment class");
  const classId = fields && field(fields, 0);
  const id = untagged(classId, OID_TAG) ?? untagged(classId, UUID_TAG);
  const model = fields && field(fields, 2);
  return {
    classId: id === undefined ? undefined : hexOf(bytesOf(id, "class-id")),
    model: model === undefined ? undefined : textOf(model, "class model"),
    hasInstance: field(environment, 1) !== undefined,
    others: [
      ...(fields === undefined
        ? ["no class"]
        : unknownKeys(fields, [0, 2]).map((key) => `class field ${key}`)),
      ...unknownKeys(environment, [0, 1]).map((key) => (key === 2n ? "a group" : `environment field ${key}`)),
    ],
  };
}

function measurementOf(item: Cbor): Measurement {
  const measurement = fieldsOf(item, "measurement");
  return {
    key: keyOf(field(measurement, 0)),
    values: fieldsOf(field(measurement, 1), "measurement values"),
    others: unknownKeys(measurement, [0, 1]).map(otherOf),
  };
}

function keyOf(item: Cbor | undefined): Measurement["key"] {
  if (item === undefined || typeof item === "bigint") return item;
  return typeof item === "string" ? `"${item}"` : `of tag ${tagOf(item) ?? "none"}`;
}

function otherOf(key: CborKey): string {
  return key === 2n ? "by whom the evidence has to be signed" : `measurement field ${key}`;
}
