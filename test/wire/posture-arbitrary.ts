/** Which postures are there? Every one that a guest may send. */
import { fc } from "@fast-check/vitest";
import { type GuestPosture, LOCKDOWNS } from "../../src/policy/guest-posture.ts";

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,9}(\.[a-z0-9-]{1,9}){0,3}$/);
const number = fc.integer({ min: 0, max: 99_999 });

/** Each check in one list. */
const lists = fc
  .uniqueArray(fc.tuple(name, fc.constantFrom("passed", "warned", "failed")), {
    selector: ([check]) => check,
    maxLength: 30,
  })
  .map((checks) => {
    const of = (list: string): readonly string[] =>
      checks.flatMap(([check, at]) => (at === list ? [check] : []));
    return { passed: of("passed"), warned: of("warned"), failed: of("failed") };
  });

const facts = fc.record(
  {
    agent: fc.tuple(number, number, number).map((parts) => parts.join(".")),
    kernel: fc
      .tuple(number, number, fc.stringMatching(/^[A-Za-z0-9._+~-]{0,40}$/))
      .map(([major, minor, rest]) => `${major}.${minor}${rest}`),
    lockdown: fc.constantFrom(...LOCKDOWNS),
    secureBoot: fc.boolean(),
    verity: fc.boolean(),
    ima: fc.boolean(),
    smt: fc.boolean(),
    uptime: fc.integer({ min: 0, max: 315_576_000 }),
  },
  { requiredKeys: [] },
);

export const posture: fc.Arbitrary<GuestPosture> = fc
  .tuple(lists, facts)
  .map(([checks, rest]) => ({ v: 1, ...checks, ...rest }));
