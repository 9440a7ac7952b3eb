/** What does a policy say of an image? Whether a reference set of measurements has it, and whether it counts at a moment. */
import { type Instant, instant } from "../base/time.ts";
import type { Entry, Program, Refset } from "../writ/program.ts";

export interface ListedImage {
  readonly state: "listed" | "retiring" | "expired" | "revoked";
  readonly label: string;
  readonly set: string;
  readonly endedAt?: Instant;
}

/**
 * Makes the look-up of a program: the entries of its reference sets by their value, read once. Where several have one image, the
 * best one counts: no program has one image revoked here and active there.
 *
 * @returns `undefined` for an image that no set has; and for all where the program has no set of measurements, which `hasSets` says.
 */
export function imagesOf({ refsets }: Pick<Program, "refsets">) {
  const byValue = new Map<string, (readonly [Refset, Entry])[]>();
  const sets = refsets.filter(({ field }) => field === "measurement");
  for (const set of sets) {
    for (const entry of set.entries) {
      const known = byValue.get(entry.value);
      if (known === undefined) byValue.set(entry.value, [[set, entry]]);
      else known.push([set, entry]);
    }
  }
  return {
    hasSets: sets.length > 0,
    at: (measurement: string, now: Instant): ListedImage | undefined =>
      (byValue.get(measurement) ?? [])
        .map((one) => listedOf(one, now))
        .toSorted((a, b) => RANK.indexOf(a.state) - RANK.indexOf(b.state))[0],
  };
}

const RANK: readonly ListedImage["state"][] = ["revoked", "listed", "retiring", "expired"];

function listedOf([set, entry]: readonly [Refset, Entry], now: Instant): ListedImage {
  const { label, state, valid } = entry;
  const named = { label, set: `${set.module}/${set.name}` };
  if (state === "revoked") return { ...named, state };
  if (valid?.to !== undefined && valid.to <= now)
    return { ...named, state: "expired", endedAt: instant(valid.to) };
  if (valid !== undefined && valid.from > now) return { ...named, state: "expired" };
  return { ...named, state: state === "retiring" ? "retiring" : "listed" };
}
