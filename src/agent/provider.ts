/** Who asks the hardware for a report? A provider: behind it a kernel interface, or the simulator. */
import type { CarriedEvidence } from "../attestation/evidence.ts";
import type { Vmpl } from "../wire/messages.ts";

/**
 * Where evidence comes from. Used behind `attest.ts` alone: whoever may have 64 bytes of his own choice signed can pass for
 * any guest (PROTOCOL section 2, rule 6).
 */
export interface EvidenceProvider {
  readonly name: string;
  /** The level at which reports are requested; it stands in the transcript. */
  readonly vmpl: Vmpl;
  /**
   * Has `reportData` signed.
   *
   * @param reportData - 64 bytes: the binder of a transcript.
   * @throws {@link Fault} `provider/unavailable`.
   */
  readonly attest: (reportData: Uint8Array) => Promise<CarriedEvidence>;
}
