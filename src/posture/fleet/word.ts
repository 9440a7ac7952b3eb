/** What has become of a guest's own word by a decision? Which checks fail, which are worse than they were, and whether it went silent. */
import type { CheckState, GuestWord, SaidPosture, WorsenedCheck } from "../../wire/fleet-messages.ts";
import type { Known, Seen } from "./seen.ts";

/** More of them say no more, and a guest must not make its own row as long as it likes. */
const MAX_WORSENED = 64;

/** The guest's word after a decision. A token brings none of its own, so that one that is used late changes nothing. */
export function wordAfter(seen: Seen, { own, before }: Known): GuestWord {
  const last = own ?? before;
  if (seen.isHeld) return wordOf(own);
  if (seen.posture === undefined) return silentWord(seen, { own, before });
  const posture: SaidPosture = { at: seen.at, ...seen.posture };
  const failing = posture.failed.map((check) => {
    const since = last?.failing?.find((one) => one.check === check);
    if (since !== undefined) return since;
    return { check, at: seen.at, ...(last === undefined ? {} : { before: last.id }) };
  });
  const worsened = last === undefined ? [] : worsenedOf(posture, last);
  return {
    posture,
    ...(failing.length === 0 ? {} : { failing }),
    ...(worsened.length === 0 ? {} : { worsened }),
  };
}

function wordOf(guest: GuestWord | undefined): GuestWord {
  if (guest === undefined) return {};
  const { posture, failing, worsened, postureLost } = guest;
  return {
    ...(posture === undefined ? {} : { posture }),
    ...(failing === undefined ? {} : { failing }),
    ...(worsened === undefined ? {} : { worsened }),
    ...(postureLost === undefined ? {} : { postureLost }),
  };
}

/** Saying nothing ends nothing: what was wrong stays so, and that it is silent comes on top. */
function silentWord({ at }: Seen, { own, before }: Known): GuestWord {
  const last = own ?? before;
  if (last === undefined) return {};
  const { posture: _, ...inherited } = wordOf(last);
  const said = own?.posture;
  const lost = last.postureLost ?? (last.posture === undefined ? undefined : { at, before: last.id });
  return {
    ...inherited,
    ...(said === undefined ? {} : { posture: said }),
    ...(lost === undefined ? {} : { postureLost: lost }),
  };
}

/** `gone` is worst: a check that is left out is how one that fails would be hidden. */
const RANK: readonly CheckState[] = ["passed", "warned", "failed", "gone"];

/** A check stays worsened until a guest of the place says that it passes; one that a new agent does not know any more is over. */
function worsenedOf(now: SaidPosture, last: GuestWord & { readonly id: string }): readonly WorsenedCheck[] {
  const isSameAgent = last.posture === undefined || last.posture.agent === now.agent;
  const kept = (last.worsened ?? []).filter(({ check }) => isStill(stateOf(now, check), isSameAgent));
  const known = new Set((last.worsened ?? []).map(({ check }) => check));
  const { posture } = last;
  const told = posture === undefined ? [] : [...posture.passed, ...posture.warned, ...posture.failed];
  const fresh = told.flatMap((check): WorsenedCheck[] => {
    const [was, is] = [stateOf(posture, check), stateOf(now, check)];
    const isWorse = RANK.indexOf(is) > RANK.indexOf(was) && isStill(is, isSameAgent);
    return isWorse && !known.has(check) ? [{ check, was, at: now.at, before: last.id }] : [];
  });
  return [...kept, ...fresh].slice(0, MAX_WORSENED);
}

function isStill(is: CheckState, isSameAgent: boolean): boolean {
  return is !== "passed" && (is !== "gone" || isSameAgent);
}

/** How a check stands in a posture. */
export function stateOf(posture: SaidPosture | undefined, check: string): CheckState {
  if (posture?.failed.includes(check)) return "failed";
  if (posture?.warned.includes(check)) return "warned";
  return posture?.passed.includes(check) ? "passed" : "gone";
}
