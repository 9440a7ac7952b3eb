/** What does the guest's cloud provider say of it? Its word on firmware and measured boot: never AMD's, and only where it may speak. */
import { Fault } from "../base/fault.ts";
import type { VerifiedChain, VerifyOptions } from "./endorsement/chain.ts";
import { NO_PROVIDERS, type ProviderOptions, type ProviderTrust } from "./endorsement/provider-chain.ts";
import type { RawEvidence } from "./evidence.ts";
import { type FirmwareEndorsement, verifyFirmware } from "./gcp/endorsement.ts";
import { type HostVtpmFacts, verifyHostVtpm } from "./host-vtpm.ts";
import type { Report } from "./snp/report.ts";

/** What verified; a statement of a kind for which configuration names no authority is passed over. */
export interface ProviderStatements {
  /** Google's word that MEASUREMENT is a firmware of its own. */
  readonly firmware?: FirmwareEndorsement;
  /** What the host's vTPM measured of the boot. */
  readonly hostVtpm?: HostVtpmFacts;
}

/**
 * Verifies what a provider says beside the report. Nothing of it is asked for: a policy that wants it finds its facts absent. What is
 * there and does not hold is a refusal, so that nobody chooses between two answers.
 *
 * @throws {@link Fault} those of {@link verifyFirmware} and {@link verifyHostVtpm}; `endorsement/provider-untrusted` for the
 *   simulator's word on a real chip.
 */
export async function providerStatements(
  { report, launchEndorsement, hostVtpm: quoted }: RawEvidence,
  chain: VerifiedChain,
  { providers = NO_PROVIDERS, now, primitives }: VerifyOptions,
): Promise<ProviderStatements> {
  const by = (kind: "firmware" | "hostVtpm"): ProviderOptions => ({
    authorities: providers[kind],
    now,
    primitives,
  });
  const endorsement =
    providers.firmware.length === 0 ? undefined : await said(report, launchEndorsement, providers);
  const firmware =
    endorsement === undefined ? undefined : await verifyFirmware(endorsement, report, by("firmware"));
  const hostVtpm =
    quoted === undefined || providers.hostVtpm.length === 0
      ? undefined
      : await verifyHostVtpm(quoted, report, by("hostVtpm"));
  for (const statement of [firmware, hostVtpm]) refuseSimulatedWord(statement, chain);
  return { ...(firmware === undefined ? {} : { firmware }), ...(hostVtpm === undefined ? {} : { hostVtpm }) };
}

/** What the host brought, and only where it brought nothing what can be found: a genuine report is no way to choose. */
async function said(
  { measurement }: Report,
  brought: Uint8Array | undefined,
  { findFirmware }: ProviderTrust,
): Promise<Uint8Array | undefined> {
  return brought ?? (await findFirmware?.(measurement));
}

/** A demonstration trusts both roots; what the simulator says counts for what the simulator made. */
function refuseSimulatedWord(
  statement: { readonly isSimulated: boolean } | undefined,
  chain: VerifiedChain,
): void {
  if (statement?.isSimulated === true && !chain.isSimulated) {
    throw new Fault(
      "endorsement/provider-untrusted",
      "expected a provider's statement on a real chip, received the simulator's",
    );
  }
}
