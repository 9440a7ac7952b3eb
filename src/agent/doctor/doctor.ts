/** What is wrong with this guest? Everything that is looked at, in the order in which it matters at a boot. */
import type { ProviderCandidate } from "../providers/detect.ts";
import { type BrokersPlan, brokerFindings } from "./brokers.ts";
import { choiceFindings } from "./choice.ts";
import { commandLineFindings } from "./command-line.ts";
import { type DisksPlan, diskFindings } from "./disks.ts";
import { type EvidencePlan, evidenceFindings } from "./evidence.ts";
import type { Finding } from "./finding.ts";
import { hardeningFindings } from "./hardening.ts";
import { kernelFindings } from "./kernel.ts";
import type { Machine } from "./machine.ts";
import { memoryFindings } from "./memory.ts";
import { timeAndChanceFindings } from "./time-and-chance.ts";

export interface DoctorPlan {
  readonly machine: Machine;
  /** What was found of each provider, in the order of choice. */
  readonly candidates: readonly ProviderCandidate[];
  readonly evidence: EvidencePlan;
  readonly brokers: BrokersPlan;
  readonly disks: DisksPlan;
}

/** Looks at everything. Changes nothing, and shows no broker any evidence. */
export async function examine({
  machine,
  candidates,
  evidence,
  brokers,
  disks,
}: DoctorPlan): Promise<readonly Finding[]> {
  return [
    ...(await kernelFindings(machine)),
    ...choiceFindings(candidates),
    ...(await evidenceFindings(evidence)),
    ...(await commandLineFindings(machine)),
    ...(await memoryFindings(machine)),
    ...(await hardeningFindings(machine)),
    ...(await diskFindings(disks)),
    ...(await timeAndChanceFindings(machine)),
    ...(await brokerFindings(brokers)),
  ];
}
