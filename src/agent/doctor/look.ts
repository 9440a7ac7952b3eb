/** What does a guest say of itself, within a bounded time? The checks that need no network, no hardware and no options. */
import type { GuestPosture } from "../../policy/guest-posture.ts";
import { commandLineFindings } from "./command-line.ts";
import { type Finding, finding } from "./finding.ts";
import { hardeningFindings } from "./hardening.ts";
import { type HardeningFacts, hardeningFacts } from "./hardening-facts.ts";
import { kernelFindings } from "./kernel.ts";
import type { Machine } from "./machine.ts";
import { memoryFindings } from "./memory.ts";
import { postureOf } from "./posture.ts";
import { timeAndChanceFindings } from "./time-and-chance.ts";

export interface LookPlan {
  readonly machine: Machine;
  /** Version of this program. */
  readonly agent: string;
  /** Ends the look: what was not seen by then is not told. */
  readonly signal: AbortSignal;
}

const GROUPS = [
  kernelFindings,
  commandLineFindings,
  memoryFindings,
  hardeningFindings,
  timeAndChanceFindings,
] as const;

/** Never throws. A group that is late is in no list, and that one was is a failure of its own: nothing passes by taking long. */
export async function lookAt({ machine, agent, signal }: LookPlan): Promise<GuestPosture> {
  const remembered = remembering(machine);
  const [facts, ...findings] = await Promise.all([
    before<HardeningFacts>(signal, hardeningFacts(remembered), {}),
    ...GROUPS.map((group) => before(signal, group(remembered), LATE)),
  ]);
  return postureOf([...findings.flat(), IN_TIME], { ...facts, agent });
}

const EXPECTED = { expected: "every check within its time" };
const IN_TIME = finding("posture.in-time", "ok", { ...EXPECTED, seen: "all of them" });
const LATE: readonly Finding[] = [
  finding("posture.in-time", "error", {
    ...EXPECTED,
    seen: "some were not",
    next: "look at the machine's load",
  }),
];

function before<T>(signal: AbortSignal, work: Promise<T>, late: T): Promise<T> {
  return new Promise((done, failed) => {
    if (signal.aborted) done(late);
    signal.addEventListener("abort", () => done(late), { once: true });
    work.then(done, failed);
  });
}

/** Each file is read once, the kernel's log above all. */
function remembering(machine: Machine): Machine {
  const known = new Map<string, Promise<string | undefined>>();
  const read: Machine["read"] = (path) => {
    const text = known.get(path) ?? machine.read(path);
    known.set(path, text);
    return text;
  };
  return { ...machine, read };
}
