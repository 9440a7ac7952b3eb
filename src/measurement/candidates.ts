/** Which launch digests can an image have? One per way to launch it: profile, processors, their model, features. */
import type { Primitives } from "../base/primitives.ts";
import { type Image, seriesOf } from "./launch.ts";
import type { ProcessorType } from "./processor.ts";
import type { Profile } from "./profiles.ts";

/** One digest, and what it is the digest of. */
export interface Candidate {
  readonly digest: Uint8Array;
  readonly profile: Profile;
  readonly vcpus: number;
  readonly processor: ProcessorType;
  readonly guestFeatures: bigint;
}

/** All combinations of these are candidates. */
export interface Matrix {
  readonly profiles: readonly Profile[];
  readonly vcpus: readonly number[];
  readonly processors: readonly ProcessorType[];
  readonly guestFeatures: readonly bigint[];
}

/** More virtual processors than one guest has on any of these machines. */
export const MAX_VCPUS = 1024;

/** How many candidates a matrix has. */
export function sizeOf({ profiles, vcpus, processors, guestFeatures }: Matrix): number {
  return profiles.length * vcpus.length * processors.length * guestFeatures.length;
}

/**
 * Every candidate, one at a time, so that whoever asks can show how far it is.
 *
 * @throws {@link Fault} those of `seriesOf`.
 */
export function* candidatesOf(
  image: Image,
  matrix: Matrix,
  digest: Primitives["digest"],
): Generator<Candidate, void, void> {
  for (const profile of matrix.profiles) {
    for (const processor of matrix.processors) {
      for (const guestFeatures of matrix.guestFeatures) {
        const series = seriesOf(image, { profile, processor, guestFeatures }, digest);
        for (const vcpus of matrix.vcpus) {
          yield { digest: series(vcpus), profile, vcpus, processor, guestFeatures };
        }
      }
    }
  }
}
