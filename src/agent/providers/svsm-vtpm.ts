/** How does a guest under an SVSM show what it booted? By a quote of the SVSM's vTPM for its report, and by the credential of the verifier. */
import type { CarriedSvsm } from "../../attestation/evidence.ts";
import type { VtpmKeys } from "../../attestation/provider.ts";
import { REPORT_FIELDS } from "../../attestation/snp/layout.ts";
import { servicesOf, VTPM_SERVICE } from "../../attestation/svsm/manifest.ts";
import type { CarriedSvsmVtpm } from "../../attestation/svsm/vtpm.ts";
import { credentialProof, svsmVtpmBinder } from "../../attestation/svsm/vtpm-binder.ts";
import { activateCredential, type CredentialKeys } from "../../attestation/tpm/activate-credential.ts";
import { askQuote } from "../../attestation/tpm/ask-quote.ts";
import { answerReader, readSized, type TpmAnswer } from "../../attestation/tpm/command.ts";
import { withPrimaryOf } from "../../attestation/tpm/create-primary.ts";
import type { Credential } from "../../attestation/tpm/make-credential.ts";
import { nameOf } from "../../attestation/tpm/object-name.ts";
import { AK_TEMPLATE, EK_TEMPLATE } from "../../attestation/tpm/svsm-templates.ts";
import type { Transact } from "../../attestation/tpm/transact.ts";
import { TPM_RH } from "../../attestation/tpm/words.ts";
import { equalBytes } from "../../base/bytes.ts";
import { Fault, isFault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";

export interface SvsmVtpmParts extends Pick<Primitives, "digest" | "hmac"> {
  /** Opens the TPM for as long as `work` takes. */
  readonly withTpm: <T>(work: (transact: Transact) => Promise<T>) => Promise<T>;
  readonly random: (size: number) => Uint8Array;
  /** The event log of this boot, where it is to be shown. */
  readonly eventLog?: (() => Promise<Uint8Array | undefined>) | undefined;
}

/** The vTPM, as the provider of evidence uses it. */
export interface SvsmVtpmAsker {
  /** @throws {@link Fault} `provider/unavailable`, `tpm/…`. */
  readonly keys: () => Promise<VtpmKeys>;
  /** Activates, and quotes for this report. @throws {@link Fault} `provider/unavailable`, `tpm/…`, `evidence/malformed`. */
  readonly quoteFor: (
    shown: Pick<CarriedSvsm, "report" | "manifest">,
    credential: Credential,
  ) => Promise<CarriedSvsmVtpm>;
}

/** Both keys are made of the TPM's seed each time, and nothing of them stays: the same until the vTPM is another. */
export function createSvsmVtpm(parts: SvsmVtpmParts): SvsmVtpmAsker {
  let known: VtpmKeys | undefined;
  return {
    keys: async () => {
      known ??= await parts.withTpm((transact) => keysIn(transact, parts)).catch(refuseWithoutTpm);
      return known;
    },
    quoteFor: async (shown, credential) => {
      const ek = endorsementKeyOf(shown.manifest);
      const eventLog = await parts.eventLog?.();
      const quoted = await parts.withTpm((transact) =>
        withKeys(transact, async (made) => {
          if (!equalBytes(made.ek.area, ek)) throw ofAnotherTpm();
          return quotedBy(made, { shown, credential, transact, parts });
        }),
      );
      return { ...quoted, ...(eventLog === undefined ? {} : { eventLog }) };
    },
  };
}

function keysIn(transact: Transact, parts: SvsmVtpmParts): Promise<VtpmKeys> {
  return withKeys(transact, async ({ ek, ak }) => ({ ek: ek.area, akName: nameOf(ak.area, parts) }));
}

interface MadeKey {
  readonly handle: number;
  /** TPMT_PUBLIC as the TPM gave it. */
  readonly area: Uint8Array;
}

interface MadeKeys {
  readonly ek: MadeKey;
  readonly ak: MadeKey;
}

function withKeys<T>(transact: Transact, work: (keys: MadeKeys) => Promise<T>): Promise<T> {
  const planOf = (template: Uint8Array) => ({ hierarchy: TPM_RH.endorsement, template });
  return withPrimaryOf(planOf(EK_TEMPLATE), transact, (ek) =>
    withPrimaryOf(planOf(AK_TEMPLATE), transact, (ak) => work({ ek: madeIn(ek), ak: madeIn(ak) })),
  );
}

/** Its other answers nobody here asks for. */
function madeIn({ handle, parameters }: TpmAnswer): MadeKey {
  return { handle, area: readSized(answerReader(parameters)) };
}

interface Asking {
  readonly shown: Pick<CarriedSvsm, "report">;
  readonly credential: Credential;
  readonly transact: Transact;
  readonly parts: SvsmVtpmParts;
}

async function quotedBy({ ek, ak }: MadeKeys, asking: Asking): Promise<CarriedSvsmVtpm> {
  const { shown, credential, transact, parts } = asking;
  const { at, size } = REPORT_FIELDS.reportData;
  const reportData = shown.report.slice(at, at + size);
  const handles: CredentialKeys = { ek: ek.handle, ak: ak.handle };
  const secret = await activateCredential(credential, handles, { transact, random: parts.random });
  const proof = credentialProof(secret, reportData, parts);
  secret.fill(0);
  const asked = { transact, digest: parts.digest };
  const quoted = await askQuote(
    { handle: ak.handle, scheme: "ecdsa" },
    svsmVtpmBinder(reportData, parts),
    asked,
  );
  return { ak: ak.area, ...quoted, proof };
}

function endorsementKeyOf(manifest: Uint8Array): Uint8Array {
  const vtpm = servicesOf(manifest).find(({ guid }) => guid === VTPM_SERVICE);
  if (vtpm !== undefined) return vtpm.manifest;
  const sentence =
    "expected a vTPM among the services of the SVSM: start the VM with an SVSM that has one, or leave --svsm-vtpm out";
  throw unavailable(sentence, "no-vtpm");
}

function ofAnotherTpm(): Fault {
  const sentence =
    "expected the TPM to be the vTPM of the SVSM, and its endorsement key is another than the manifest's: name the right one with --tpm, or leave --svsm-vtpm out";
  return unavailable(sentence, "other-tpm");
}

/** One that answered is there, and says itself what it refuses. */
function refuseWithoutTpm(thrown: unknown): never {
  if (!isFault(thrown, "tpm/unavailable") || thrown.detail["returned"] !== undefined) throw thrown;
  const sentence = `expected the vTPM of the SVSM: ${thrown.message}; load its driver (Linux 6.16 and later, \`modprobe tpm_svsm\`), and run the agent as root or in the group of /dev/tpmrm0`;
  throw unavailable(sentence, "no-tpm");
}

function unavailable(sentence: string, reason: string): Fault {
  return new Fault("provider/unavailable", sentence, { reason });
}
