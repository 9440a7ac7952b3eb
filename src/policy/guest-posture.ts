/** What does a guest say of itself, and in which words does a policy see it? Its own word: as true as the measured image that says it. */
import type { FactValue } from "../writ/facts.ts";

/**
 * What a guest says of itself inside the claims that its report signs (PROTOCOL section 4). Names of checks are the guest's own, so
 * that a program has some beside those of `agent doctor`; each is in one list at most.
 */
export type GuestPosture = {
  readonly v: 1;
  readonly passed: readonly string[];
  readonly warned: readonly string[];
  readonly failed: readonly string[];
  /** Version of what looked: `0.1.0`. */
  readonly agent?: string;
  /** As the kernel calls itself: `6.12.9-cloud-amd64`. */
  readonly kernel?: string;
  readonly lockdown?: Lockdown;
  readonly secureBoot?: boolean;
  readonly verity?: boolean;
  readonly ima?: boolean;
  readonly smt?: boolean;
  /** Seconds since the guest's kernel started. */
  readonly uptime?: number;
};

export const LOCKDOWNS = ["none", "integrity", "confidentiality"] as const;
type Lockdown = (typeof LOCKDOWNS)[number];

type PostureReading = readonly [field: string, read: (posture: GuestPosture) => FactValue | undefined];

/** Every field that a posture decides. None of them has a name that anything else decides. */
export const POSTURE_READINGS: readonly PostureReading[] = [
  ["posture.age", () => 0],
  ["posture.passed", ({ passed }) => someOf(passed)],
  ["posture.warned", ({ warned }) => someOf(warned)],
  ["posture.failed", ({ failed }) => someOf(failed)],
  ["posture.warnings", ({ warned }) => warned.length],
  ["posture.failures", ({ failed }) => failed.length],
  ["posture.agent", ({ agent }) => versionOf(agent)],
  ["posture.kernel", ({ kernel }) => versionOf(kernel)],
  ["posture.kernel_release", ({ kernel }) => kernel],
  ["posture.lockdown", ({ lockdown }) => lockdown],
  ["posture.secure_boot", ({ secureBoot }) => secureBoot],
  ["posture.verity", ({ verity }) => verity],
  ["posture.ima", ({ ima }) => ima],
  ["posture.smt", ({ smt }) => smt],
  ["posture.uptime", ({ uptime }) => (uptime === undefined ? undefined : uptime * 1000)],
];

/** A list of nothing is absent: the language has no word for it. */
function someOf(checks: readonly string[]): readonly string[] | undefined {
  return checks.length === 0 ? undefined : checks.toSorted();
}

/** The numbers that a version begins with; what follows them says nothing about order. */
function versionOf(text: string | undefined): readonly [number, number, number] | undefined {
  const [, major, minor, build = "0"] = /^(\d{1,5})\.(\d{1,5})(?:\.(\d{1,5}))?/.exec(text ?? "") ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor), Number(build)];
}
