/** Why has a guest another digest than was expected? One or two changes of its parameters that give exactly that digest. */
import { equalBytes } from "../base/bytes.ts";
import { isFault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { type Candidate, MAX_VCPUS } from "./candidates.ts";
import type { DirectBoot } from "./hash-table.ts";
import { type Image, type Series, seriesOf } from "./launch.ts";
import { KNOWN_TYPES } from "./processor.ts";
import { PROFILES } from "./profiles.ts";

/** A way to launch an image, whole. */
type Way = Omit<Candidate, "digest"> & { readonly boot: DirectBoot | undefined };

/** One parameter that is another. */
export interface Change {
  readonly parameter: "profile" | "vcpus" | "processor" | "guest features" | "boot";
  /** What it would have to be, in words. */
  readonly to: string;
}

interface Alternative extends Change {
  readonly of: (way: Way) => Way;
}

/** A digest has no distance to another: either some changes give it, or nothing is known but what was tried. */
export interface Mismatch {
  /** No change for a digest that is one of the candidates; `undefined` where nothing that was tried gives it. */
  readonly changes: readonly Change[] | undefined;
  readonly from: Candidate;
  readonly tried: number;
}

/** Bits of SEV_FEATURES that a VMM may set (AMD APM volume 2, table B-4). */
const FEATURE_BITS = [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n, 10n, 12n, 14n, 15n];

/**
 * Looks for the expected digest: among the candidates, then one change away from the first of them, then two.
 *
 * @param candidates - At least one.
 */
export function explainMismatch(
  expected: Uint8Array,
  image: Image,
  candidates: readonly [Candidate, ...Candidate[]],
  digest: Primitives["digest"],
): Mismatch {
  const hit = candidates.find((candidate) => equalBytes(candidate.digest, expected));
  if (hit !== undefined) return { changes: [], from: hit, tried: candidates.length };
  const [from] = candidates;
  const way: Way = { ...from, boot: image.boot };
  const digestOf = memoisedDigests(image, digest);
  let tried = candidates.length;
  for (const changes of changesFrom(way)) {
    tried += 1;
    const found = digestOf(changes.reduce((changed, { of }) => of(changed), way));
    if (found === undefined || !equalBytes(found, expected)) continue;
    return { changes: changes.map(({ parameter, to }) => ({ parameter, to })), from, tried };
  }
  return { changes: undefined, from, tried };
}

/** Each single change, then each pair of changes of two parameters. */
function* changesFrom(way: Way): Generator<readonly Alternative[], void, void> {
  const axes = [profiles(way), processors(way), features(way), boots(way), counts(way)];
  for (const one of axes.flat()) yield [one];
  for (const [i, axis] of axes.entries()) {
    const later = axes.slice(i + 1).flat();
    for (const one of axis) for (const two of later) yield [one, two];
  }
}

function profiles({ profile }: Way): readonly Alternative[] {
  return PROFILES.filter(
    ({ name, vmm }) => name !== profile.name && (vmm === "svsm") === (profile.vmm === "svsm"),
  ).map((other) => ({ parameter: "profile", to: other.name, of: (way) => ({ ...way, profile: other }) }));
}

function processors({ processor }: Way): readonly Alternative[] {
  return KNOWN_TYPES.filter(({ signature }) => signature !== processor.signature).map((other) => ({
    parameter: "processor",
    to: other.name,
    of: (way) => ({ ...way, processor: other }),
  }));
}

function features({ guestFeatures }: Way): readonly Alternative[] {
  const others = new Set([1n, 0x21n, ...FEATURE_BITS.map((bit) => guestFeatures ^ (1n << bit))]);
  others.delete(guestFeatures);
  return [...others].map((other) => ({
    parameter: "guest features",
    to: `0x${other.toString(16)}`,
    of: (way) => ({ ...way, guestFeatures: other }),
  }));
}

function boots({ boot }: Way): readonly Alternative[] {
  if (boot === undefined) return [];
  const { commandLine } = boot;
  const others: readonly (readonly [string, DirectBoot | undefined])[] = [
    ["no kernel given to the VMM", undefined],
    ["no initrd", { ...boot, initrd: new Uint8Array(0) }],
    ["no command line", { ...boot, commandLine: "" }],
    ["a command line that ends with a newline", { ...boot, commandLine: `${commandLine}\n` }],
    ["a command line that ends with a space", { ...boot, commandLine: `${commandLine} ` }],
    ["a command line without blanks around it", { ...boot, commandLine: commandLine.trim() }],
  ];
  return others.map(([to, other]) => ({ parameter: "boot", to, of: (way) => ({ ...way, boot: other }) }));
}

function counts({ vcpus }: Way): readonly Alternative[] {
  return Array.from({ length: MAX_VCPUS }, (_, i) => i + 1)
    .filter((count) => count !== vcpus)
    .map((count) => ({ parameter: "vcpus", to: String(count), of: (way) => ({ ...way, vcpus: count }) }));
}

/** Each way but for its number of processors is prepared once. */
function memoisedDigests(image: Image, digest: Primitives["digest"]): (way: Way) => Uint8Array | undefined {
  const known = new Map<string, Series | undefined>();
  return ({ boot, ...launch }) => {
    const { profile, processor, guestFeatures } = launch;
    const key = `${profile.name} ${processor.signature} ${guestFeatures} ${bootKey(boot)}`;
    if (!known.has(key)) known.set(key, possibleSeries({ ...image, boot }, launch, digest));
    return known.get(key)?.(launch.vcpus);
  };
}

function bootKey(boot: DirectBoot | undefined): string {
  return boot === undefined ? "none" : `${boot.kernel.length} ${boot.initrd.length} ${boot.commandLine}`;
}

/** A way that this firmware cannot be launched in gives no digest. */
function possibleSeries(
  { boot, ...image }: Omit<Image, "boot"> & { readonly boot: DirectBoot | undefined },
  launch: Omit<Candidate, "digest" | "vcpus">,
  digest: Primitives["digest"],
): Series | undefined {
  try {
    return seriesOf(boot === undefined ? image : { ...image, boot }, launch, digest);
  } catch (thrown) {
    if (isFault(thrown)) return undefined;
    throw thrown;
  }
}
