/** Which tests mount a file system of their own? Those in here; where the machine does not let them they are skipped by name. */
import { describe } from "vitest";
import { whyNoFuse } from "./mount.ts";

const reason = whyNoFuse();

/** With the reason beside the name of what is skipped. */
export function describeWithFuse(name: string, tests: () => void): void {
  if (reason === undefined) describe(name, tests);
  else describe.skip(`${name} (no FUSE here: ${reason})`, tests);
}
