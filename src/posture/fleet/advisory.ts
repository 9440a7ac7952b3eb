/** Is what this broker knows of AMD's bulletins good to judge by? Signed by operators of now, the one that the log names, and not too old. */
import { isFault } from "../../base/fault.ts";
import { addSeconds, formatInstant, type Instant } from "../../base/time.ts";
import { type AdvisoryWorld, liveAdvisory } from "../../broker/advisories.ts";
import type { Look } from "../../broker/finding-scan.ts";
import { type Advisory, dayOf } from "../../policy/advisory.ts";
import type { Sighting } from "../../wire/finding-messages.ts";

export interface AdvisoryStanding {
  /** `undefined` where none was ever imported, which is no fault: then nothing is judged by one. */
  readonly advisory: Advisory | undefined;
  /** Whether there is one that nobody may judge by. */
  readonly isAltered: boolean;
  readonly looks: readonly Look[];
}

const SUBJECT = "advisory";

interface Terms {
  readonly at: Instant;
  readonly owner: string;
  /** From this age on it is old; absent, it never is. */
  readonly advisorySeconds?: number;
}

/** @throws {@link Fault} where the roster cannot be followed, or the database cannot be asked: then nothing can be looked at. */
export async function standingOfAdvisory(world: AdvisoryWorld, terms: Terms): Promise<AdvisoryStanding> {
  try {
    const advisory = (await liveAdvisory(world))?.advisory;
    const old = advisory === undefined ? undefined : oldOf(advisory, terms);
    const looks = [
      lookOf("advisory-old", old, advisory !== undefined),
      lookOf("advisory-altered", undefined, true),
    ];
    return { advisory, isAltered: false, looks };
  } catch (thrown) {
    if (!isFault(thrown, "advisory/altered")) throw thrown;
    const looks = [lookOf("advisory-altered", alteredBy(thrown.message, terms), false)];
    return { advisory: undefined, isAltered: true, looks };
  }
}

/** One subject; where there is none to look at, what was found of it is gone. */
function lookOf(name: string, seen: Sighting | undefined, isThere: boolean): Look {
  return {
    class: name,
    seen: seen === undefined ? [] : [seen],
    passed: seen === undefined && isThere ? [SUBJECT] : [],
    blind: [],
    isWhole: true,
  };
}

function oldOf({ serial, issued }: Advisory, { at, owner, advisorySeconds }: Terms): Sighting | undefined {
  const day = dayOf(issued);
  if (day === undefined || advisorySeconds === undefined) return undefined;
  const oldFrom = addSeconds(day, advisorySeconds);
  if (at < oldFrom) return undefined;
  return {
    class: "advisory-old",
    subject: SUBJECT,
    severity: "medium",
    owner,
    sentence: `advisory ${serial} is of ${issued}: what AMD published or withdrew since is in no finding and no plan`,
    advice: "write the next edition from AMD's bulletins, and have it signed: `ostiary advisory sign FILE`",
    introducedAt: oldFrom,
    evidence: { serial, issued, oldFrom: formatInstant(oldFrom) },
  };
}

function alteredBy(why: string, { owner }: Terms): Sighting {
  return {
    class: "advisory-altered",
    subject: SUBJECT,
    severity: "high",
    owner,
    sentence: why,
    advice:
      "where an operator who signed it was removed, have another sign it again; otherwise find out who wrote to the database",
    introducedAt: undefined, // nothing says when somebody wrote to it
    evidence: {},
  };
}
