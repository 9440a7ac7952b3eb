/** How does a guest of Azure prove itself? The paravisor's report out of the vTPM, and a quote by the key that this report vouches for. */

import { parseRuntimeClaims } from "../../attestation/azure/claims.ts";
import { type HclBlob, parseHclBlob } from "../../attestation/azure/hcl.ts";
import type { CarriedAzureHcl } from "../../attestation/evidence.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { parseReport } from "../../attestation/snp/report.ts";
import { askQuote } from "../../attestation/tpm/ask-quote.ts";
import { nvSizeOf, readNv } from "../../attestation/tpm/nv.ts";
import { readRsaKey } from "../../attestation/tpm/rsa-key.ts";
import type { Transact } from "../../attestation/tpm/transact.ts";
import { equalBytes } from "../../base/bytes.ts";
import { Fault, type FaultDetail } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";

export interface AzureVtpmOptions extends Pick<Primitives, "digest"> {
  /** Opens the TPM for as long as `work` takes. */
  readonly withTpm: <T>(work: (transact: Transact) => Promise<T>) => Promise<T>;
  /** Certificates of this machine's chip, DER; none where nobody has them: then the broker asks AMD. */
  readonly endorsements: () => Promise<readonly Uint8Array[]>;
  /** The event log of this boot, where it is to be shown. */
  readonly eventLog?: (() => Promise<Uint8Array | undefined>) | undefined;
}

/** Where the paravisor keeps its report with the claims beside it; each reading from the start renews it, at most every two seconds. */
const HCL_INDEX = 0x0140_0001;
const AK_HANDLE = 0x8100_0003;
const MAX_BLOB_BYTES = 4096;
const BINDER_SIZE = 32;
/** Whoever else reads the index from its start renews it under our hands. */
const MAX_READINGS = 4;

/**
 * Opens the vTPM: there is none of Azure's paravisor where the index or the key is not there.
 *
 * @throws {@link Fault} `provider/unavailable`, `tpm/…`.
 * @see platforms.md sections 2.1 and 2.5; microsoft/openvmm, vm/devices/tpm
 */
export async function openAzureVtpm(options: AzureVtpmOptions): Promise<EvidenceProvider<CarriedAzureHcl>> {
  await options.withTpm(async (transact) => {
    if ((await nvSizeOf(HCL_INDEX, transact)) === undefined) throw withoutIndex();
    if ((await readRsaKey(AK_HANDLE, transact)) === undefined) throw withoutKey();
  });
  return {
    name: "azure-vtpm",
    format: "azure-hcl",
    vmpl: 0,
    attest: async (binder) => {
      if (binder.length !== BINDER_SIZE) {
        throw new Fault("internal/invariant", `what a vTPM quotes has ${BINDER_SIZE} bytes`);
      }
      const own = binder.slice();
      const beside = Promise.all([options.endorsements(), options.eventLog?.()]);
      beside.catch(() => undefined); // told below, unless the TPM has worse to tell
      const quoted = await options.withTpm((transact) => quotedBy(own, { transact, digest: options.digest }));
      const [endorsements, eventLog] = await beside;
      return {
        format: "azure-hcl",
        ...quoted,
        ...(endorsements.length === 0 ? {} : { endorsements }),
        ...(eventLog === undefined ? {} : { eventLog }),
      };
    },
  };
}

/**
 * Looks for the paravisor's report and the key, and asks for no quote.
 *
 * @throws {@link Fault} `provider/unavailable`, `tpm/…`; `evidence/malformed` also for the paravisor of a TDX guest.
 */
export async function probeAzureVtpm(withTpm: AzureVtpmOptions["withTpm"]): Promise<void> {
  await withTpm(async (transact) => {
    const hcl = await readNv(HCL_INDEX, MAX_BLOB_BYTES, transact);
    if (hcl === undefined) throw withoutIndex();
    parseHclBlob(hcl);
    if ((await readRsaKey(AK_HANDLE, transact)) === undefined) throw withoutKey();
  });
}

interface Asking extends Pick<Primitives, "digest"> {
  readonly transact: Transact;
}

async function quotedBy(binder: Uint8Array, asking: Asking) {
  const hcl = await settledBlob(asking);
  const key = await readRsaKey(AK_HANDLE, asking.transact);
  if (key === undefined) throw withoutKey();
  if (!equalBytes(parseRuntimeClaims(parseHclBlob(hcl).claimsBytes).akSpki, key)) {
    throw unavailable(
      "expected the paravisor's report to vouch for the attestation key of this vTPM, and it names another: the vTPM was replaced since; stop (deallocate) the VM and start it again",
      { reason: "stale-report" },
    );
  }
  return { hcl, ...(await askQuote({ handle: AK_HANDLE, scheme: "rsaSsa" }, binder, asking)) };
}

/** Reads until report and claims are of one writing. */
async function settledBlob({ transact, digest }: Asking): Promise<Uint8Array> {
  let last: unknown;
  for (let readings = 0; readings < MAX_READINGS; readings += 1) {
    const hcl = await readNv(HCL_INDEX, MAX_BLOB_BYTES, transact); // in order: one TPM
    if (hcl === undefined) throw withoutIndex();
    last = undefined;
    try {
      if (isOfOneWriting(parseHclBlob(hcl), digest)) return hcl;
    } catch (thrown) {
      last = thrown; // halves of two writings may be no blob at all
    }
  }
  if (last !== undefined) throw last;
  throw unavailable(
    `expected the paravisor's report to be over the claims beside it, and it was not ${MAX_READINGS} times in a row: something else keeps renewing NV index 0x01400001`,
    { reason: "torn-report" },
  );
}

function isOfOneWriting({ report, claimsBytes }: HclBlob, digest: Primitives["digest"]): boolean {
  return equalBytes(parseReport(report).reportData.slice(0, 32), digest("sha256", claimsBytes));
}

function withoutIndex(): Fault {
  return unavailable(
    "expected the paravisor's report at NV index 0x01400001: is this a confidential VM of Azure?",
    {
      reason: "no-report",
    },
  );
}

function withoutKey(): Fault {
  return unavailable(
    "expected the vTPM's attestation key at 0x81000003, which the paravisor puts there at each boot: somebody removed it; restart the VM",
    { reason: "no-key" },
  );
}

function unavailable(sentence: string, detail: FaultDetail): Fault {
  return new Fault("provider/unavailable", sentence, detail);
}
