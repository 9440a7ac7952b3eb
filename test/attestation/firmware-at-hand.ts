/** How is an endorsement judged in a test? For a simulated guest on the firmware of four VMSAs, every part of which can be another. */

import type { ProviderAuthorities } from "../../src/attestation/endorsement/provider-chain.ts";
import { verifyFirmware } from "../../src/attestation/gcp/endorsement.ts";
import { parseReport } from "../../src/attestation/snp/report.ts";
import { instant } from "../../src/base/time.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatedChip, type ReportPlan } from "../../src/simulator/sp.ts";
import { codeOfPromise } from "../support/faults.ts";
import { FOUR_VMSAS, simulatedProviders } from "../support/provider.ts";
import { SIMULATED_NOW, simulatedRoot } from "../support/simulated.ts";

const chip = createSimulatedChip(simulatedRoot("genoa"));
const GUEST_POLICY = 0x70000n;

function reportOf(plan: Partial<ReportPlan> = {}) {
  const reportData = new Uint8Array(64).fill(7);
  return parseReport(chip.report({ reportData, measurement: FOUR_VMSAS, policy: GUEST_POLICY, ...plan }));
}

export interface Judged {
  readonly now?: number;
  readonly authorities?: ProviderAuthorities;
  readonly report?: Partial<ReportPlan>;
}

export function verify(bytes: Uint8Array, { now = SIMULATED_NOW, authorities, report }: Judged = {}) {
  return verifyFirmware(bytes, reportOf(report), {
    authorities: authorities ?? simulatedProviders().firmware,
    now: instant(now),
    primitives: nodePrimitives,
  });
}

/** Where an endorsement passes with a bit of one byte flipped; every `step`th byte is tried. */
export async function passedBents(good: Uint8Array, step: number): Promise<readonly number[]> {
  const passed: number[] = [];
  for (let at = 0; at < good.length; at += step) {
    const bent = good.slice();
    bent[at] = (bent[at] ?? 0) ^ (1 << (at % 8));
    if ((await codeOfPromise(verify(bent))) === undefined) passed.push(at); // in order: one at a time is enough
  }
  return passed;
}
