/** Which ways to launch were meant? The options of `ostiary measure` as a matrix. */
import { parseHex } from "../../base/bytes.ts";
import { MAX_VCPUS, type Matrix } from "../../measurement/candidates.ts";
import { type ProcessorType, parseProcessorType } from "../../measurement/processor.ts";
import { newestProfileOf, PROFILES, type Profile, profileNamed } from "../../measurement/profiles.ts";
import { Misuse } from "../command.ts";

/** What of the options says how an image is launched. */
export interface LaunchWords {
  readonly vcpus?: string | undefined;
  readonly types: readonly string[];
  readonly features: readonly string[];
  readonly vmm?: string | undefined;
  readonly profiles: readonly string[];
  /** Whether there is an SVSM below the firmware. */
  readonly hasSvsm: boolean;
}

/** Where nobody says which model: the one that QEMU's own `EPYC` is today. */
const USUAL_TYPE = "EPYC-v4";
const MAX_CANDIDATES = 1_000_000;
/** Features end at bit 15; nobody means more. */
const MAX_FEATURES = 0xffff_ffffn;

/** @throws {@link Misuse}. */
export function matrixOf(words: LaunchWords): Matrix {
  const matrix = {
    profiles: profilesOf(words),
    vcpus: vcpusOf(words.vcpus),
    processors: typesOf(words.types),
    guestFeatures: featuresOf(words.features),
  };
  const size = Object.values(matrix).reduce((product, axis) => product * axis.length, 1);
  if (size <= MAX_CANDIDATES) return matrix;
  throw new Misuse(`expected at most ${MAX_CANDIDATES} candidates, received ${size}`);
}

function profilesOf({ vmm, profiles, hasSvsm }: LaunchWords): readonly Profile[] {
  const names = profiles.flatMap((text) => text.split(","));
  const found = names.length > 0 ? names.map(profileOf) : [newestOf(vmm ?? (hasSvsm ? "svsm" : "qemu"))];
  const other = found.find((profile) => (profile.vmm === "svsm") !== hasSvsm);
  if (other !== undefined) {
    throw new Misuse(
      hasSvsm ? `expected the profile svsm with --svsm, received ${other.name}` : "expected --svsm FILE",
    );
  }
  return found;
}

function profileOf(name: string): Profile {
  const profile = profileNamed(name);
  if (profile !== undefined) return profile;
  throw new Misuse(
    `expected a profile of ${PROFILES.map((known) => known.name).join(", ")}, received \`${name}\``,
  );
}

function newestOf(vmm: string): Profile {
  const profile = newestProfileOf(vmm);
  if (profile !== undefined) return profile;
  const known = new Set(PROFILES.map((one) => one.vmm));
  throw new Misuse(`expected --vmm as one of ${[...known].join(", ")}, received \`${vmm}\``);
}

/** `1,2,4` or `1-16`, or both. */
function vcpusOf(text: string | undefined): readonly number[] {
  if (text === undefined) throw new Misuse("expected --vcpus N, the number of virtual processors");
  const counts = text.split(",").flatMap((part) => {
    const [, from = "", to = from] = /^([1-9]\d{0,3})(?:-([1-9]\d{0,3}))?$/.exec(part) ?? [];
    const [least, most] = [Number(from), Number(to)];
    if (from === "" || most < least || most > MAX_VCPUS) {
      throw new Misuse(`expected --vcpus as 4, 1,2,4 or 1-16, at most ${MAX_VCPUS}, received \`${part}\``);
    }
    return Array.from({ length: most - least + 1 }, (_, i) => least + i);
  });
  return [...new Set(counts)];
}

function typesOf(texts: readonly string[]): readonly ProcessorType[] {
  const names = texts.flatMap((text) => (/^\d+,\d+,\d+$/.test(text) ? [text] : text.split(",")));
  return (names.length > 0 ? names : [USUAL_TYPE]).map((name) => {
    const type = parseProcessorType(name);
    if (type !== undefined) return type;
    throw new Misuse(
      `expected --vcpu-type as EPYC-v4, EPYC-Milan or FAMILY,MODEL,STEPPING, received \`${name}\``,
    );
  });
}

function featuresOf(texts: readonly string[]): readonly bigint[] {
  const numbers = texts.flatMap((text) => text.split(",")).map((text) => numberOf(text, "--guest-features"));
  if (numbers.some((number) => number > MAX_FEATURES))
    throw new Misuse("expected --guest-features of 32 bits");
  return numbers.length > 0 ? [...new Set(numbers)] : [1n];
}

/** A number of at most 64 bits, `33` or `0x21`. @throws {@link Misuse}. */
export function numberOf(text: string, name: string): bigint {
  if (/^(?:0x[0-9a-f]{1,16}|\d{1,19})$/i.test(text)) return BigInt(text);
  throw new Misuse(`expected ${name} as 33 or 0x21, received \`${text}\``);
}

/** Exactly so many bytes in hex. @throws {@link Misuse}. */
export function hexOfSize(text: string, size: number, name: string): Uint8Array {
  const bytes = parseHex(text);
  if (bytes !== undefined && bytes.length === size) return bytes;
  throw new Misuse(`expected ${size} bytes in hex for ${name}`);
}
