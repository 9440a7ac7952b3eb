/** What did a vTPM see boot? The registers of a quote that verified, and what a log that replays to them says of secure boot. */
import type { Primitives } from "../../base/primitives.ts";
import { type EventLog, refuseOtherBoot } from "./event-log.ts";
import type { Quote } from "./quote.ts";
import { secureBootOf } from "./secure-boot.ts";

/** What a vTPM inside of the TEE is known to hold. */
export interface BootFacts {
  /** PCR 0 to 23 of the SHA-256 bank. */
  readonly pcrs: readonly Uint8Array[];
  /** Absent where nobody says it who is believed. */
  readonly isSecureBoot?: boolean;
  /** The same in two pieces of evidence of one VM: the same boot. */
  readonly resetCount: number;
  readonly restartCount: number;
}

/** @param quote - One that was verified. @throws {@link Fault} `evidence/event-log` for the log of another boot. */
export function bootOf(
  quote: Quote,
  log: EventLog | undefined,
  primitives: Pick<Primitives, "digest">,
): BootFacts {
  if (log !== undefined) refuseOtherBoot(log, quote.pcrs, primitives);
  const isSecureBoot = log === undefined ? undefined : secureBootOf(log, primitives);
  const { resetCount, restartCount } = quote.attest;
  return {
    pcrs: quote.pcrs,
    ...(isSecureBoot === undefined ? {} : { isSecureBoot }),
    resetCount,
    restartCount,
  };
}
