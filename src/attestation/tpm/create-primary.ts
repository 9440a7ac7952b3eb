/** What key does a TPM make of a template? The same each time, from the seed of a hierarchy without a password, and flushed after use. */
import { concatBytes, u32be } from "../../base/bytes.ts";
import { ask, emptyPassword, sized, type TpmAnswer } from "./command.ts";
import { flushed } from "./flush.ts";
import type { Transact } from "./transact.ts";

export interface PrimaryPlan {
  /** A permanent handle, of TPM_RH. */
  readonly hierarchy: number;
  /** TPMT_PUBLIC. */
  readonly template: Uint8Array;
}

/**
 * Makes it for as long as `work` takes.
 *
 * @throws {@link Fault} `tpm/unavailable`, also for a template that the TPM refuses; `tpm/malformed`.
 */
export async function withPrimaryOf<T>(
  { hierarchy, template }: PrimaryPlan,
  tpm: Transact,
  work: (made: TpmAnswer) => Promise<T>,
): Promise<T> {
  const nothing = sized(new Uint8Array(0));
  const sensitive = sized(concatBytes(nothing, nothing));
  const parameters = concatBytes(sensitive, sized(template), nothing, u32be(0));
  const command = { name: "createPrimary", handles: [hierarchy], parameters, answersHandles: 1 } as const;
  const made = await ask({ ...command, auth: emptyPassword() }, tpm);
  return flushed(made.handle, tpm, () => work(made));
}
