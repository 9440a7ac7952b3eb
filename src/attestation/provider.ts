/** Who asks the hardware for a report? A provider: behind it a kernel interface, or the simulator. */
import type { CarriedEvidence } from "./evidence.ts";

/**
 * Where evidence comes from. Used behind a transcript that is made here, and nowhere else: whoever may have 64 bytes of his
 * own choice signed can pass for any guest (PROTOCOL section 2, rule 6).
 */
export interface EvidenceProvider {
  readonly name: string;
  /** The level at which reports are requested; it stands in the transcript. */
  readonly vmpl: 0 | 1 | 2 | 3;
  /**
   * Has `reportData` signed.
   *
   * @param reportData - 64 bytes: the binder of a transcript.
   * @throws {@link Fault} `provider/unavailable`.
   */
  readonly attest: (reportData: Uint8Array) => Promise<CarriedEvidence>;
}
