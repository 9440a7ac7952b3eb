/** How is written what a guest says of itself? One version, strict, small: names and plain facts, and no place for anything else. */
import * as v from "valibot";
import { Fault } from "../base/fault.ts";
import type { GuestPosture } from "../policy/guest-posture.ts";
import { countField } from "./fields.ts";

/** Of each list. The doctor has fewer than forty. */
const MAX_CHECKS = 64;
/** ASCII alone: two names that look alike are alike. */
const CHECK = v.pipe(v.string(), v.maxLength(64), v.regex(/^[a-z][a-z0-9-]*(\.[a-z0-9-]+){0,3}$/));
const CHECKS = v.pipe(v.array(CHECK), v.maxLength(MAX_CHECKS));
const VERSION = v.pipe(v.string(), v.maxLength(32), v.regex(/^\d{1,5}\.\d{1,5}\.\d{1,5}$/));
const RELEASE = v.pipe(v.string(), v.maxLength(64), v.regex(/^\d{1,5}\.\d{1,5}[A-Za-z0-9._+~-]*$/));
/** Ten years: no kernel runs for so long, and as milliseconds it is a duration that can be told. */
const UPTIME = v.pipe(countField(0), v.maxValue(315_576_000));

/** Those of the vocabulary, which a guest that only asks for its key does not load. */
const LOCKDOWNS = ["none", "integrity", "confidentiality"] as const;

/** Another version is refused and not half understood, as another member is: a new fact is a new version. */
export const POSTURE = v.pipe(
  v.strictObject({
    v: v.literal(1),
    passed: CHECKS,
    warned: CHECKS,
    failed: CHECKS,
    agent: v.exactOptional(VERSION),
    kernel: v.exactOptional(RELEASE),
    lockdown: v.exactOptional(v.picklist(LOCKDOWNS)),
    secureBoot: v.exactOptional(v.boolean()),
    verity: v.exactOptional(v.boolean()),
    ima: v.exactOptional(v.boolean()),
    smt: v.exactOptional(v.boolean()),
    uptime: v.exactOptional(UPTIME),
  }),
  v.check((posture) => isEachOnce(posture), "each check once, in one list"),
);

/** What a guest is about to say. @throws {@link Fault} `config/invalid`: a broker would refuse the whole request for it. */
export function checkedPosture(posture: GuestPosture): GuestPosture {
  const { success, output, issues } = v.safeParse(POSTURE, posture, {
    abortEarly: true,
    abortPipeEarly: true,
  });
  if (success) return output;
  const [issue] = issues;
  const place = (v.getDotPath(issue) ?? "the posture").slice(0, 80);
  throw new Fault(
    "config/invalid",
    `expected ${issue.expected ?? issue.message} at \`${place}\` of the posture`,
  );
}

/** A check that is told to pass and to fail would be whichever a policy asks for. */
function isEachOnce({ passed, warned, failed }: Pick<GuestPosture, "passed" | "warned" | "failed">): boolean {
  const names = [...passed, ...warned, ...failed];
  return new Set(names).size === names.length;
}
