/** How does a guest under an SVSM get a report that the SVSM asked for? By the service attributes of configfs-tsm: nonce in, manifest and report out. */
import { createHash } from "node:crypto";
import type { CarriedSvsm } from "../../attestation/evidence.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { parseCertTable } from "../../attestation/snp/cert-table.ts";
import { isZero, utf8 } from "../../base/bytes.ts";
import { refuseOtherSize, reportOver } from "./report-over.ts";
import type { SharedChannel } from "./shared-channel.ts";
import type { SvsmVtpmAsker } from "./svsm-vtpm.ts";
import { askTsm, readTsmFacts, type TsmOptions } from "./tsm-entry.ts";
import { tsmUnavailable } from "./tsm-faults.ts";

const SERVICE = "svsm";
const NOTHING = new Uint8Array(0);

/**
 * Opens the interface. The report is at VMPL 0, the SVSM's own, over SHA-512 of binder and manifest; of which services the manifest speaks,
 * all of them, the SVSM decides. With a vTPM and a credential a quote for that report goes beside it.
 *
 * @throws {@link Fault} `provider/unavailable` where no SVSM stands over this guest, or its kernel cannot ask it (before 6.10).
 * @see Linux, Documentation/ABI/testing/configfs-tsm-report (service_provider); AMD 58019 "Secure VM Service Module", Attestation Protocol
 */
export async function openSvsm(
  options: TsmOptions & { readonly channel: SharedChannel; readonly vtpm?: SvsmVtpmAsker | undefined },
): Promise<EvidenceProvider<CarriedSvsm>> {
  const { vtpm } = options;
  if (!(await readTsmFacts(options)).hasSvsm) {
    throw tsmUnavailable(
      "expected the service attributes of an SVSM: none stands over this guest, or its kernel is older than 6.10",
    );
  }
  return {
    name: "svsm",
    format: "svsm",
    vmpl: 0,
    ...(vtpm === undefined ? {} : { vtpmKeys: vtpm.keys }),
    attest: async (binder, credential) => {
      refuseOtherSize(binder);
      const own = binder.slice();
      const writes = [["service_provider", utf8(SERVICE)] as const, ["inblob", own] as const];
      const blobs = ["auxblob", "manifestblob", "outblob"] as const;
      const {
        auxblob = NOTHING,
        manifestblob: manifest = NOTHING,
        outblob = NOTHING,
      } = await askTsm(options, {
        writes,
        blobs,
      });
      if (manifest.length === 0)
        throw tsmUnavailable("expected a manifest of the SVSM's services, received none");
      const signed = new Uint8Array(createHash("sha512").update(own).update(manifest).digest());
      const shown = { report: reportOver(signed, outblob), manifest };
      const quoted =
        vtpm === undefined || credential === undefined
          ? {}
          : { vtpm: await vtpm.quoteFor(shown, credential) };
      return { format: "svsm", ...shown, ...endorsementsIn(auxblob), ...quoted };
    },
  };
}

/** What the host gives beside the report, which this format has no table for. @throws {@link Fault} `evidence/malformed`. */
function endorsementsIn(table: Uint8Array): Pick<CarriedSvsm, "endorsements"> {
  if (isZero(table)) return {};
  const { certificates, crls } = parseCertTable(table);
  const endorsements = [...certificates, ...crls];
  return endorsements.length === 0 ? {} : { endorsements };
}
