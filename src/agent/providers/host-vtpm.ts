/** How does a guest show what it booted where its report says nothing of that? By a quote of the vTPM that the host runs, beside the report. */
import { DER, leadingDer } from "../../attestation/endorsement/der.ts";
import type { CarriedHostVtpm, CarriedRaw } from "../../attestation/evidence.ts";
import { hostVtpmBinder } from "../../attestation/host-vtpm-binder.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { askQuote } from "../../attestation/tpm/ask-quote.ts";
import { withPrimaryOf } from "../../attestation/tpm/create-primary.ts";
import { nvSizeOf, readNv } from "../../attestation/tpm/nv.ts";
import { type QuotingTemplate, quotingTemplateIn } from "../../attestation/tpm/quoting-template.ts";
import type { Transact } from "../../attestation/tpm/transact.ts";
import { TPM_RH } from "../../attestation/tpm/words.ts";
import { Fault, isFault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";

export interface HostVtpmOptions extends Pick<Primitives, "digest"> {
  /** Opens the TPM for as long as `work` takes. */
  readonly withTpm: <T>(work: (transact: Transact) => Promise<T>) => Promise<T>;
}

interface Indices {
  readonly certificate: number;
  readonly template: number;
}

/** Where Google keeps what is known of an attestation key: that of RSA, and that on P-256. */
const PLACES: readonly Indices[] = [
  { certificate: 0x01c1_0000, template: 0x01c1_0001 },
  { certificate: 0x01c1_0002, template: 0x01c1_0003 },
];
const MAX_CERTIFICATE_BYTES = 4096;
const MAX_TEMPLATE_BYTES = 1024;

/**
 * Puts a quote of the host's vTPM beside each report of a provider: over that report's REPORT_DATA, by the key whose certificate and
 * template lie in the vTPM.
 *
 * @throws {@link Fault} `provider/unavailable`, also for a provider whose evidence has no place for such a quote; `tpm/…`.
 * @see platforms.md sections 1.5, 2.3 and 2.5; google/go-tpm-tools, client/handles.go
 */
export async function openHostVtpm(
  provider: EvidenceProvider,
  options: HostVtpmOptions,
): Promise<EvidenceProvider> {
  if (!givesRaw(provider)) {
    const sentence = `expected a guest that asks for its own report; the evidence of ${provider.name} has no place for a quote of the host's vTPM: leave --host-vtpm out`;
    throw unavailable(sentence, "format");
  }
  await options.withTpm(placeIn).catch(refuseWithoutTpm);
  return {
    ...provider,
    attest: async (binder) => {
      const own = binder.slice();
      const reported = await provider.attest(own);
      const qualifying = hostVtpmBinder(own, options);
      const hostVtpm = await options.withTpm((transact) =>
        quotedBy(qualifying, { transact, digest: options.digest }),
      );
      return { ...reported, hostVtpm };
    },
  };
}

function givesRaw(provider: EvidenceProvider): provider is EvidenceProvider<CarriedRaw> {
  return provider.format === "raw";
}

/** Whichever key's certificate is there, RSA before P-256. */
async function placeIn(transact: Transact): Promise<Indices> {
  for (const place of PLACES) {
    if ((await nvSizeOf(place.certificate, transact)) === undefined) continue; // in order: one TPM
    if ((await nvSizeOf(place.template, transact)) === undefined) throw withoutTemplate();
    return place;
  }
  throw withoutCertificate();
}

async function quotedBy(
  qualifying: Uint8Array,
  asking: { readonly transact: Transact } & Pick<Primitives, "digest">,
): Promise<CarriedHostVtpm> {
  const { transact } = asking;
  const place = await placeIn(transact);
  const akCertificate = await certificateAt(place.certificate, transact);
  const { scheme, template } = await templateAt(place.template, transact);
  const quoted = await withPrimaryOf({ hierarchy: TPM_RH.endorsement, template }, transact, ({ handle }) =>
    askQuote({ handle, scheme }, qualifying, asking),
  );
  return { ...quoted, akCertificate };
}

/** As long as the certificate says: the index may be larger. */
async function certificateAt(index: number, transact: Transact): Promise<Uint8Array> {
  const bytes = await readNv(index, MAX_CERTIFICATE_BYTES, transact);
  if (bytes === undefined) throw withoutCertificate();
  try {
    return leadingDer(bytes, DER.sequence).whole.slice();
  } catch (thrown) {
    if (!isFault(thrown, "endorsement/malformed")) throw thrown;
    throw withoutCertificate();
  }
}

async function templateAt(index: number, transact: Transact): Promise<QuotingTemplate> {
  const bytes = await readNv(index, MAX_TEMPLATE_BYTES, transact);
  if (bytes === undefined) throw withoutTemplate();
  return quotingTemplateIn(bytes);
}

function refuseWithoutTpm(thrown: unknown): never {
  if (!isFault(thrown, "tpm/unavailable")) throw thrown;
  const sentence = `expected the vTPM of this VM: ${thrown.message}; start the VM with a vTPM, \`modprobe tpm_tis\` or \`tpm_crb\`, and run the agent as root or in the group of /dev/tpmrm0`;
  throw unavailable(sentence, "no-tpm");
}

function withoutCertificate(): Fault {
  return unavailable(
    "expected a certificate for an attestation key at NV index 0x01c10000 or 0x01c10002: Google's vTPMs have one; elsewhere put there what your own authority issued, or leave --host-vtpm out",
    "no-certificate",
  );
}

function withoutTemplate(): Fault {
  return unavailable(
    "expected the template of the attestation key at the NV index after its certificate's, 0x01c10001 or 0x01c10003: without it the key cannot be made; put it there, or leave --host-vtpm out",
    "no-template",
  );
}

function unavailable(sentence: string, reason: string): Fault {
  return new Fault("provider/unavailable", sentence, { reason });
}
