/** `ostiary agent doctor` on Node: this machine's files, its own provider, and the ways to its brokers. */
import { examine } from "../../agent/doctor/doctor.ts";
import { machineAt } from "../../agent/doctor/machine.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { isFault } from "../../base/fault.ts";
import type { DoctorEdges } from "../../cli/commands/agent-doctor.ts";
import type { EvidenceOptions } from "../../cli/evidence-options.ts";
import { brokersFor, type NodeAgentParts, providerOf } from "./agent-way.ts";
import { guestPartsOf } from "./broker-way.ts";
import { systemRandom } from "./clock.ts";
import { lookAtMachine } from "./machine-posture.ts";
import { nodePrimitives } from "./primitives.ts";
import { detectOn } from "./providers.ts";

export function examineWith(parts: NodeAgentParts): DoctorEdges["examine"] {
  return async ({ machine, brokers, floor, devices, root }) => {
    const provider = await providerOrFault(machine, parts);
    const levels = floor && { bootloader: 0, tee: 0, snp: 0, microcode: 0, ...floor };
    const findings = await examine({
      machine: machineAt(root),
      candidates: await detectOn(machine),
      evidence: {
        provider,
        random: systemRandom,
        digest: nodePrimitives.digest,
        ...(levels === undefined ? {} : { floor: levels }),
      },
      disks: { devices, digest: nodePrimitives },
      brokers: {
        ways: brokers === undefined ? [] : (await brokersFor(brokers)).members,
        parts: guestPartsOf(provider),
        signalAfter: (milliseconds) => AbortSignal.timeout(milliseconds),
      },
    });
    return { findings, posture: await lookAtMachine(root) };
  };
}

/** One that cannot be had says why when it is asked, which is a finding among others. */
async function providerOrFault(machine: EvidenceOptions, parts: NodeAgentParts): Promise<EvidenceProvider> {
  try {
    return await providerOf(machine, parts);
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return { name: "none", format: "raw", vmpl: 0, attest: () => Promise.reject(thrown) };
  }
}
