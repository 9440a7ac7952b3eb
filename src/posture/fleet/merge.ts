/** How does a guest change by a decision? What it is now, and what has become of it since the guest before it at its place. */
import { canonicalJson } from "../../base/canonical-json.ts";
import type { Change, Guest } from "../../wire/fleet-messages.ts";
import type { Known, Seen } from "./seen.ts";
import { settingRow } from "./settings.ts";
import { wordAfter } from "./word.ts";

/** The guest after a decision. Decisions come in the order of the log, whose times may differ a little from it. */
export function guestAfter(seen: Seen, place: string, { own, before }: Known): Guest {
  const { seq: _seq, at, hostData: _hostData, isHeld: _isHeld, posture: _posture, ...now } = seen;
  const last = own ?? before;
  const drift = driftOf(seen, last);
  const leaseRefused = seen.leaseRefused ?? own?.leaseRefused;
  const allowedAt = seen.outcome === "allow" ? at : own?.allowedAt;
  return {
    ...now,
    place,
    cameFor: own?.cameFor ?? seen.cameFor,
    firstAt: own?.firstAt ?? at,
    lastAt: own !== undefined && own.lastAt > at ? own.lastAt : at,
    ...(allowedAt === undefined ? {} : { allowedAt }),
    ...firmwareSince(seen, last),
    decisions: (own?.decisions ?? 0) + 1,
    longestGapSeconds: own === undefined ? 0 : Math.max(own.longestGapSeconds, at - own.lastAt),
    weakened: weakenedOf(seen, last),
    ...(drift === undefined ? {} : { drift }),
    ...(leaseRefused === undefined ? {} : { leaseRefused }),
    ...wordAfter(seen, { own, before }),
  };
}

/** Whose row is from before there was such a moment has none as long as it stays as it is. */
function firmwareSince(seen: Seen, last: Guest | undefined): Pick<Guest, "tcbAt"> {
  if (last === undefined || !isSameFirmware(seen, last)) return { tcbAt: seen.at };
  return last.tcbAt === undefined ? {} : { tcbAt: last.tcbAt };
}

function isSameFirmware(seen: Seen, last: Guest): boolean {
  const told = ({
    chip,
    tcb,
    committedTcb,
    launchTcb,
  }: Pick<Guest, "chip" | "tcb" | "committedTcb" | "launchTcb">) =>
    canonicalJson([chip ?? null, tcb ?? null, committedTcb ?? null, launchTcb ?? null]);
  return told(seen) === told(last);
}

/** A setting stays weakened at a place until a guest there has it as it was; whoever replaces a weak guest inherits that. */
function weakenedOf(seen: Seen, last: Guest | undefined): Guest["weakened"] {
  if (last === undefined) return {};
  return Object.fromEntries(
    Object.entries(seen.settings).flatMap(([field, value]): [string, Change][] => {
      if (settingRow(field)?.weak !== value) return [];
      const since = Object.hasOwn(last.weakened, field) ? last.weakened[field] : undefined;
      if (since !== undefined) return [[field, since]];
      const wasStrong = Object.hasOwn(last.settings, field) && last.settings[field] !== value;
      return wasStrong ? [[field, { at: seen.at, before: last.id }]] : [];
    }),
  );
}

/** An image drifts where it changes and the policy does not; another policy, or the image from before, ends that. */
function driftOf(seen: Seen, last: Guest | undefined): Guest["drift"] {
  if (last === undefined) return undefined;
  const { drift } = last;
  if (drift !== undefined && drift.policy === seen.policy)
    return seen.measurement === drift.measurement ? undefined : drift;
  if (last.measurement === seen.measurement || last.policy !== seen.policy) return undefined;
  const { policy } = seen;
  return {
    at: seen.at,
    before: last.id,
    measurement: last.measurement,
    ...(policy === undefined ? {} : { policy }),
  };
}
