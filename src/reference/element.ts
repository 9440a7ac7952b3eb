/** What does one measured element say to Writ? A value of a set, a least level, a condition, or a note that it says nothing. */
import type { ProductLine } from "../attestation/snp/product.ts";
import { formatTcb, parseTcb, type TcbVersion } from "../attestation/snp/tcb.ts";
import { hexOf, u64le } from "../base/bytes.ts";
import { isFault } from "../base/fault.ts";
import { plainLine, vcpusOf } from "./carried.ts";
import type { Cbor } from "./cbor.ts";
import type { Comid, Measurement } from "./comid.ts";
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
import { addCondition, addEntry, addFloor, type Gathered, note } from "./gather.ts";
import { ELEMENTS, LAYOUTS, type SnpElement } from "./snp-profile.ts";

const VALUES = { version: 0, svn: 1, digests: 2, flags: 3, raw: 4, mask: 5, name: 11 };
const SVN = { exact: 552, least: 553 };
const RAW_TAG = 560;
const SHA384: readonly Cbor[] = [7n, "sha-384"];
const IS_DEBUG = 3n;
/** replay-, integrity- and confidentiality-protected: true of every SEV-SNP guest. */
const ALWAYS = new Set<unknown>([4n, 5n, 9n]);

/** Where a value stands, for a note, and for which product. */
export interface Place {
  readonly gathered: Gathered;
  readonly comid: Comid;
  readonly product: ProductLine | undefined;
}

/** @throws {@link Fault} `reference/malformed` for a value that the profile does not allow. */
export function carryMeasurement({ key, values, others }: Measurement, place: Place): void {
  const { gathered, comid } = place;
  for (const other of others) note(gathered, `${comid.tagId}: ${other}`);
  const element = typeof key === "bigint" ? ELEMENTS.get(key) : undefined;
  if (element !== undefined) carryElement(element, values, place);
  else if (key === undefined) carryFlags(values, place);
  else note(gathered, `${comid.tagId}: the measured element ${key}, which the profile does not have`);
}

function carryElement(element: SnpElement, values: Fields, place: Place): void {
  switch (element.kind) {
    case "set":
      carrySet(element, values, place);
      break;
    case "equal":
      carryEqual(element, values, place);
      break;
    case "svn":
      carrySvn(element, values, place);
      break;
    case "tcb":
      carryTcb(element, values, place);
      break;
    case "none":
      note(place.gathered, `${element.name}: ${element.why}`);
  }
}

type Of<Kind extends SnpElement["kind"]> = Extract<SnpElement, { readonly kind: Kind }>;

function carrySet(element: Of<"set">, values: Fields, place: Place): void {
  const { gathered, comid } = place;
  tellRest(element, values, place, [VALUES.version, VALUES.digests, VALUES.raw, VALUES.name]);
  const name = field(values, VALUES.name);
  const version = versionOf(element, values, place);
  for (const value of [...digestsIn(element, values, place), ...rawIn(element, values, place)]) {
    const label = plainLine(name === undefined ? comid.tagId : textOf(name, "name"));
    const vcpus = vcpusOf(label);
    addEntry(gathered, element, {
      label: label === "" ? "unnamed" : label,
      value: hexOf(value),
      tag: `${comid.tagId} version ${comid.version}`,
      ...(version === undefined ? {} : { version }),
      ...(vcpus === undefined || element.field !== "measurement" ? {} : { vcpus }),
    });
  }
}

function carryEqual(element: Of<"equal">, values: Fields, place: Place): void {
  tellRest(element, values, place, [VALUES.raw]);
  for (const value of rawIn(element, values, place))
    addCondition(place.gathered, `${element.field} == hex"${hexOf(value)}"`);
}

function carrySvn(element: Of<"svn">, values: Fields, place: Place): void {
  tellRest(element, values, place, [VALUES.svn]);
  const svn = svnIn(element, values, place);
  if (svn === undefined) return;
  if (svn.level > 0xffff_ffffn) throw malformed(`${element.name}: expected at most 32 bits`);
  addCondition(place.gathered, `${element.field} ${svn.isLeast ? ">=" : "=="} ${svn.level}`);
}

/** A least version becomes a floor. One that is to be no other is told: a floor would let in what nobody named. */
function carryTcb({ name, tcb }: Of<"tcb">, values: Fields, place: Place): void {
  const { gathered, product } = place;
  tellRest({ name }, values, place, [VALUES.svn]);
  const svn = svnIn({ name }, values, place);
  if (svn === undefined) return;
  if (product === undefined) {
    note(gathered, `${name}: whose levels they are is not said; \`--product milan\`, genoa or turin says it`);
    return;
  }
  const level = tcbOf(name, svn.level, product);
  if (svn.isLeast) addFloor(gathered, { tcb, product }, level);
  else note(gathered, `${name}: exactly one version: write \`tcb.${tcb} == { ${formatTcb(level)} }\``);
}

function tcbOf(name: string, svn: bigint, product: ProductLine): TcbVersion {
  try {
    return parseTcb(u64le(svn), LAYOUTS[product]);
  } catch (thrown) {
    if (isFault(thrown)) throw malformed(`${name}: expected a TCB version of ${product}`);
    throw thrown;
  }
}

/** A measurement without a name is flags: only that of debugging is a choice of the guest's owner. */
function carryFlags(values: Fields, place: Place): void {
  const { gathered, comid } = place;
  tellRest({ name: "a measurement without a number" }, values, place, [VALUES.flags]);
  const flags = field(values, VALUES.flags);
  if (flags === undefined) return;
  for (const [flag, value] of fieldsOf(flags, "flags").entries) {
    if (typeof value !== "boolean") throw malformed("flags: expected true or false");
    if (flag === IS_DEBUG && !value) addCondition(gathered, "not guest.debug");
    else if (!(ALWAYS.has(flag) && value)) note(gathered, `${comid.tagId}: the flag ${flag} as ${value}`);
  }
}

/** SHA-384 values. Another algorithm is told of; another length under its name is a mistake. */
function digestsIn(element: Of<"set">, values: Fields, { gathered }: Place): readonly Uint8Array[] {
  const digests = field(values, VALUES.digests);
  if (digests === undefined) return [];
  return listOf(digests, "digests").flatMap((item) => {
    const [algorithm, value] = pairOf(item, "digest");
    if (SHA384.includes(algorithm)) return [sized(element, bytesOf(value, "digest"))];
    note(gathered, `${element.name}: a digest of the algorithm ${String(algorithm)}`);
    return [];
  });
}

function rawIn(element: Of<"set" | "equal">, values: Fields, { gathered }: Place): readonly Uint8Array[] {
  const raw = field(values, VALUES.raw);
  if (raw === undefined) return [];
  const bytes = untagged(raw, RAW_TAG) ?? raw;
  if (bytes instanceof Uint8Array && field(values, VALUES.mask) === undefined) return [sized(element, bytes)];
  note(gathered, `${element.name}: a value of which only some bits count`);
  return [];
}

function sized({ name, size }: Of<"set" | "equal">, bytes: Uint8Array): Uint8Array {
  if (bytes.length === size) return bytes;
  throw malformed(`${name}: expected ${size} bytes, received ${bytes.length}`);
}

/** A security version: at least this (tag 553), or exactly this (tag 552, or none). */
function svnIn(
  { name }: { readonly name: string },
  values: Fields,
  { gathered }: Place,
): { readonly level: bigint; readonly isLeast: boolean } | undefined {
  const svn = field(values, VALUES.svn);
  if (svn === undefined) {
    note(gathered, `${name}: no security version in it`);
    return undefined;
  }
  const level = untagged(svn, SVN.least) ?? untagged(svn, SVN.exact) ?? svn;
  if (typeof level === "bigint" && level >= 0n) return { level, isLeast: tagOf(svn) === SVN.least };
  throw malformed(`${name}: expected a security version`);
}

function versionOf(element: Of<"set">, values: Fields, { gathered }: Place): string | undefined {
  const item = field(values, VALUES.version);
  if (item === undefined) return undefined;
  const text = textOf(field(fieldsOf(item, "version"), 0), "version");
  if (/^\d{1,9}\.\d{1,9}\.\d{1,9}$/.test(text)) return text.replaceAll(/\b0+(?=\d)/g, "");
  note(gathered, `${element.name}: the version "${text}"`);
  return undefined;
}

function tellRest(
  { name }: { readonly name: string },
  values: Fields,
  { gathered }: Place,
  known: readonly number[],
): void {
  for (const key of unknownKeys(values, [...known, VALUES.mask]))
    note(gathered, `${name}: field ${key} of its values`);
}
