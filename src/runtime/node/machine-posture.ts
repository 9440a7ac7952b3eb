/** What does this machine say of itself? The doctor's look at it, as it stands at this moment. */
import { lookAt } from "../../agent/doctor/look.ts";
import { machineAt } from "../../agent/doctor/machine.ts";
import type { GuestPosture } from "../../policy/guest-posture.ts";

const VERSION = "0.1.0";
/** A boot must not wait for it; on a guest at rest it takes a tenth of a second. */
const LOOK_MS = 2000;

/** @param root - `/`, but where another folder is looked at. */
export function lookAtMachine(root = "/"): Promise<GuestPosture> {
  return lookAt({ machine: machineAt(root), agent: VERSION, signal: AbortSignal.timeout(LOOK_MS) });
}
