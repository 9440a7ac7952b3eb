/** What is not good about a guest? One rule for each class of findings; each names its subject, and says since when it is so. */
import { addSeconds, formatInstant } from "../../base/time.ts";
import type { Severity, Sighting } from "../../wire/finding-messages.ts";
import type { Guest } from "../../wire/fleet-messages.ts";
import type { FleetClass } from "./classes.ts";
import { WORD_RULES } from "./judge-word.ts";
import { type Fault, isCurrent, type Judged, type Rule } from "./rule.ts";
import { settingRow } from "./settings.ts";

const DAY = 86_400;
/** Nobody is silent before that, whatever its rhythm. */
const SILENCE_FLOOR_SECONDS = DAY;
const SILENCE_FACTOR = 3;
/** With fewer decisions there is no rhythm. */
const SILENCE_DECISIONS = 3;
/** So long silent, a guest is taken to be gone for good. */
const GONE_SECONDS = 30 * DAY;
/** So long after it a refused lease is no claim any more. */
const LEASE_CLAIM_SECONDS = DAY;

export const RULES: readonly Rule[] = [
  { class: "image-drift", concerns: isNewestHere, judge: drifted },
  { class: "image-unlisted", concerns: isCurrent, judge: unlisted },
  { class: "image-retiring", concerns: isCurrent, judge: retiring },
  { class: "guest-weakened", concerns: isNewestHere, judge: weakened },
  ...WORD_RULES,
  { class: "guest-silent", concerns: mayBeSilent, judge: silent },
  { class: "lease-contended", concerns: isCurrent, judge: contended },
];

/** The finding about a guest, in the words of its rule. */
export function sightingOf(
  rule: Rule,
  { guest }: Judged,
  { evidence, ...fault }: Fault,
): Omit<Sighting, "owner"> {
  return {
    ...fault,
    class: rule.class,
    subject: subjectOf(rule.class, guest),
    evidence: { guest: guest.id, cameFor: guest.cameFor, decision: guest.decision, ...evidence },
  };
}

/** What replaces a guest takes over what is wrong with its place; anything else is of one guest alone. */
export function subjectOf(name: FleetClass, { id, place }: Guest): string {
  return name === "image-drift" || name === "guest-weakened" ? `place/${place}` : `guest/${id}`;
}

function isNewestHere({ guest, newest }: Judged): boolean {
  return guest.id === newest.id;
}

function mayBeSilent({ guest, isReplaced, at }: Judged): boolean {
  const hasRhythm = guest.decisions >= SILENCE_DECISIONS && guest.allowedAt !== undefined;
  return hasRhythm && !isReplaced && guest.lastAt > at - GONE_SECONDS;
}

function drifted({ guest, image }: Judged): Fault | undefined {
  const { drift } = guest;
  if (drift === undefined) return undefined;
  const isForeseen = image.state === "listed";
  return {
    severity: isForeseen ? "low" : "high",
    sentence: `the image of what comes for ${guest.cameFor} changed, and the policy did not${
      isForeseen ? "; the policy lists the new one" : ""
    }`,
    advice: "if you changed it, list its measurement as a reference value; if not, find out who did",
    introducedAt: drift.at,
    evidence: {
      was: drift.measurement,
      is: guest.measurement,
      guestBefore: drift.before,
      policy: guest.policy,
    },
  };
}

function unlisted({ guest, image, live }: Judged): Fault | undefined {
  const { state } = image;
  if (state !== "unlisted" && state !== "expired" && state !== "revoked") return undefined;
  const since = live === undefined || guest.policy === live.digest ? guest.firstAt : live.at;
  return {
    severity: guest.outcome === "allow" ? "high" : "medium",
    sentence: `a guest comes for ${guest.cameFor} with an image that is ${
      state === "unlisted" ? "in no reference set" : `${state} (${image.label ?? ""})`
    }, and was ${guest.outcome === "allow" ? "let in" : "refused"} last`,
    advice: "list the measurement if the image is yours, or have the guest start the current one",
    introducedAt: image.endedAt !== undefined && image.endedAt > guest.firstAt ? image.endedAt : since,
    evidence: { measurement: guest.measurement, label: image.label, set: image.set },
  };
}

function retiring({ guest, image }: Judged): Fault | undefined {
  if (image.state !== "retiring") return undefined;
  return {
    severity: "low",
    sentence: `a guest that comes for ${guest.cameFor} still has the image ${image.label ?? ""}, which is retiring`,
    advice: "start the current image before this one counts no more",
    introducedAt: undefined, // nothing says since when an entry is retiring
    evidence: { measurement: guest.measurement, label: image.label, set: image.set },
  };
}

const WORST: readonly Severity[] = ["critical", "high", "medium", "low"];

function weakened({ guest }: Judged): Fault | undefined {
  const changes = Object.entries(guest.weakened).flatMap(([field, change]) => {
    const row = settingRow(field);
    return row === undefined ? [] : [{ field, change, row }];
  });
  const [worst] = changes.toSorted((a, b) => WORST.indexOf(a.row.severity) - WORST.indexOf(b.row.severity));
  if (worst === undefined) return undefined;
  const earliest = changes.map(({ change }) => change.at).toSorted((a, b) => a - b)[0];
  return {
    severity: worst.row.severity,
    sentence: `what comes for ${guest.cameFor} is weaker than it was: ${changes
      .map(({ field, row }) => `${field}, so that ${row.opens}`)
      .join("; ")}`,
    advice: "start it as it was, on a host as it was, or require the setting in the policy",
    introducedAt: earliest,
    evidence: Object.fromEntries(
      changes.map(({ field, change }) => [
        field,
        `since ${formatInstant(change.at)}, not so at ${change.before}`,
      ]),
    ),
  };
}

function silent({ guest, newest, at }: Judged): Fault | undefined {
  const allowance = Math.max(SILENCE_FLOOR_SECONDS, SILENCE_FACTOR * guest.longestGapSeconds);
  const dueAt = addSeconds(guest.lastAt, allowance);
  if (at <= dueAt) return undefined;
  const hasOthers = newest.id !== guest.id;
  return {
    severity: hasOthers ? "low" : "medium",
    sentence: `a guest that came for ${guest.cameFor} comes no more: it never stayed away for longer than ${
      guest.longestGapSeconds
    } s${hasOthers ? "; others come from its place" : ""}`,
    advice:
      "look whether its machine runs and reaches the broker; one that was taken down is gone after thirty days",
    introducedAt: dueAt,
    evidence: {
      lastAt: formatInstant(guest.lastAt),
      decisions: guest.decisions,
      longestGapSeconds: guest.longestGapSeconds,
    },
  };
}

function contended({ guest, at }: Judged): Fault | undefined {
  const { leaseRefused } = guest;
  if (leaseRefused === undefined || leaseRefused.at <= at - LEASE_CLAIM_SECONDS) return undefined;
  return {
    severity: "high",
    sentence: `two guests claim the lease of ${leaseRefused.resource}: this one was refused while another held it`,
    advice: "see who holds it with `ostiary secret lease`, and stop the machine that should not run",
    introducedAt: leaseRefused.at,
    evidence: { resource: leaseRefused.resource, refusedAt: formatInstant(leaseRefused.at) },
  };
}
