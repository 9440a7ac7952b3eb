/** How do digests become reference values? As a module in Writ, with a label, processors, source and window for each. */
import { hexOf } from "../../base/bytes.ts";
import type { Instant } from "../../base/time.ts";
import type { Candidate } from "../../measurement/candidates.ts";
import { referenceModule } from "../../reference/to-writ.ts";
import { wordLike } from "../arguments.ts";
import { windowOf } from "../window.ts";

/** The options that say how the entries are called and who answers for them. */
export interface RefsetWords {
  readonly owner?: string | undefined;
  readonly image?: string | undefined;
  readonly "image-version"?: string | undefined;
  readonly refset?: string | undefined;
  readonly module?: string | undefined;
  readonly valid?: string | undefined;
}

/** A digest with what stands beside it, whatever it was computed from. */
export interface RefsetEntry {
  readonly digest: Uint8Array;
  readonly vcpus?: number;
  /** What tells it from the others of its image; nothing where it is the only one. */
  readonly words: readonly string[];
}

/** Candidates as entries: what all of them share is left out of their labels. */
export function entriesOf(candidates: readonly Candidate[]): readonly RefsetEntry[] {
  const facets = [
    (one: Candidate) => one.profile.name,
    (one: Candidate) => one.processor.name,
    (one: Candidate) => `features 0x${one.guestFeatures.toString(16)}`,
  ].filter((facet) => new Set(candidates.map(facet)).size > 1);
  return candidates.map((one) => ({
    digest: one.digest,
    vcpus: one.vcpus,
    words: [`${one.vcpus} vcpu`, ...facets.map((facet) => facet(one))],
  }));
}

/**
 * A module with one set of reference values, formatted. A digest that several candidates have stands once, under the first of them.
 *
 * @throws {@link Misuse} where owner, name or version are missing or are none.
 */
export function refsetText(
  entries: readonly RefsetEntry[],
  words: RefsetWords,
  sources: readonly string[],
  now: Instant,
): string {
  const owner = wordLike(words.owner, /^[^\s"\\]{3,200}$/, "--owner MAIL of who answers for this image");
  const image = wordLike(words.image, /^[\w.+-][\w .+-]{0,60}$/, "--image NAME");
  const version = wordLike(
    words["image-version"],
    /^\d{1,9}\.\d{1,9}\.\d{1,9}$/,
    "--image-version 2026.11.0",
  );
  const set = wordLike(
    words.refset ?? "images",
    /^[a-z][a-z0-9_]{0,62}$/,
    "--refset NAME, as a name of Writ",
  );
  const module = wordLike(
    words.module ?? set,
    /^[a-z][a-z0-9_.-]{0,62}$/,
    "--module NAME, as a name of Writ",
  );
  const made = uniqueEntries(entries).map(({ digest, vcpus, words: told }) => ({
    label: [`${image} ${version}`, ...(told.length === 0 ? [] : [told.join(", ")])].join(" / "),
    value: hexOf(digest),
    version,
    ...(vcpus === undefined ? {} : { vcpus }),
  }));
  const sets = [{ field: "measurement", suffix: "", entries: made }];
  return referenceModule(
    { sets, floors: [], conditions: [], notes: [] },
    { module, version, set, owner },
    { source: sources.join(", "), about: [], ...windowOf(words.valid, now) },
  );
}

function uniqueEntries(entries: readonly RefsetEntry[]): readonly RefsetEntry[] {
  const seen = new Set<string>();
  return entries.filter(({ digest }) => {
    const hex = hexOf(digest);
    const isNew = !seen.has(hex);
    seen.add(hex);
    return isNew;
  });
}
