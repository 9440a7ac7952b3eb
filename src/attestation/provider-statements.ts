/** What does the guest's cloud provider say of it? Its word on firmware and measured boot: never AMD's, and only where it may speak. */
import { Fault } from "../base/fault.ts";
import type { VerifiedChain, VerifyOptions } from "./endorsement/chain.ts";
import { NO_PROVIDERS } from "./endorsement/provider-chain.ts";
import type { RawEvidence } from "./evidence.ts";
import { type FirmwareEndorsement, verifyFirmware } from "./gcp/endorsement.ts";

/** What verified; a statement of a kind for which configuration names no authority is passed over, unread. */
export interface ProviderStatements {
  /** Google's word that MEASUREMENT is a firmware of its own. */
  readonly firmware?: FirmwareEndorsement;
}

/**
 * Verifies what a provider says beside the report. Nothing of it is asked for: a policy that wants it finds its facts absent. What is
 * there and does not hold is a refusal, so that a host cannot choose between two answers.
 *
 * @throws {@link Fault} those of {@link verifyFirmware}; `endorsement/provider-untrusted` for the simulator's word on a real chip.
 */
export async function providerStatements(
  evidence: RawEvidence,
  chain: VerifiedChain,
  { providers = NO_PROVIDERS, now, primitives }: VerifyOptions,
): Promise<ProviderStatements> {
  const { launchEndorsement, report } = evidence;
  if (launchEndorsement === undefined || providers.firmware.length === 0) return {};
  const firmware = await verifyFirmware(launchEndorsement, report, {
    authorities: providers.firmware,
    now,
    primitives,
  });
  refuseSimulatedWord(firmware, chain);
  return { firmware };
}

/** A demonstration trusts both roots; what the simulator says counts for what the simulator made. */
function refuseSimulatedWord(said: { readonly isSimulated: boolean }, chain: VerifiedChain): void {
  if (said.isSimulated && !chain.isSimulated) {
    throw new Fault(
      "endorsement/provider-untrusted",
      "expected a provider's statement on a real chip, received the simulator's",
    );
  }
}
