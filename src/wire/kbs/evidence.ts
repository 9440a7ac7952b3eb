/** How does evidence come to a KBS? As its guests write it, and here it becomes what every other door is given. */
import * as v from "valibot";
import { parseEndorsementFile } from "../../attestation/endorsement/pem.ts";
import type { CarriedAzureHcl, CarriedEvidence, CarriedRaw } from "../../attestation/evidence.ts";
import { utf8 } from "../../base/bytes.ts";
import * as limits from "../limits.ts";
import { hexField, octetsField, optionField, paddedBytesField } from "./numbers.ts";
import { reportField } from "./report.ts";

/**
 * `tee-evidence` of a guest on SEV-SNP (`snp`) or in a Confidential VM of Azure (`az-snp-vtpm`). Which of them it is shows in its
 * members; what belongs to neither is refused by the name of a member that is missing.
 */
export function kbsEvidenceField(): v.GenericSchema<unknown, CarriedEvidence> {
  return v.lazy((input) => FORMS.find(({ mark }) => hasMember(input, mark))?.schema ?? SNP);
}

function hasMember(input: unknown, name: string): boolean {
  return typeof input === "object" && input !== null && Object.hasOwn(input, name);
}

/** The host's table, one entry a row: what is no certificate and no CRL is passed over, as in the table itself. */
const CERTIFICATE = v.strictObject({
  cert_type: v.union([
    v.picklist(["Empty", "ARK", "ASK", "VCEK", "VLEK", "CRL"]),
    v.strictObject({ OTHER: v.pipe(v.string(), v.uuid()) }),
  ]),
  data: octetsField(0, limits.MAX_BODY_BYTES),
});
const MAX_TABLE_ENTRIES = 16;

const SNP = v.pipe(
  v.strictObject({
    attestation_report: reportField(),
    cert_chain: optionField(v.pipe(v.array(CERTIFICATE), v.maxLength(MAX_TABLE_ENTRIES))),
  }),
  v.transform(({ attestation_report: report, cert_chain: chain = [] }): CarriedRaw => {
    const told = chain.filter(({ cert_type: type }) => type !== "Empty" && typeof type === "string");
    return { format: "raw", report, ...besides(told.map(({ data }) => data)) };
  }),
);

const PCR_COUNT = 24;
const PCR_SIZE = 32;
const SIGNATURE_SIZE = 256;

const AZURE_V0 = v.pipe(
  v.strictObject({
    quote: v.strictObject({
      message: octetsField(1, limits.MAX_QUOTE_BYTES),
      signature: octetsField(SIGNATURE_SIZE, SIGNATURE_SIZE),
      pcrs: v.pipe(v.array(octetsField(PCR_SIZE, PCR_SIZE)), v.length(PCR_COUNT)),
    }),
    report: octetsField(1, limits.MAX_HCL_BYTES),
    vcek: v.pipe(v.string(), v.maxLength(2 * limits.MAX_ENDORSEMENT_BYTES)),
  }),
  v.transform(({ quote, report, vcek }) => {
    const { certificates } = parseEndorsementFile(utf8(vcek));
    return azure(quote, report, certificates);
  }),
);

/** Version 2 is written like 1. It says that the paravisor was told the binder too; here the quote alone binds, as in every other. */
const AZURE_V1 = v.pipe(
  v.strictObject({
    version: v.picklist([1, 2]),
    tpm_quote: v.strictObject({
      message: hexField(limits.MAX_QUOTE_BYTES),
      signature: hexField(SIGNATURE_SIZE),
      pcrs: v.pipe(v.array(hexField(PCR_SIZE)), v.length(PCR_COUNT)),
    }),
    hcl_report: paddedBytesField(limits.MAX_HCL_BYTES),
    vcek: paddedBytesField(limits.MAX_ENDORSEMENT_BYTES),
  }),
  v.transform(({ tpm_quote: quote, hcl_report: hcl, vcek }) => azure(quote, hcl, [vcek])),
);

/** A member that one form has and no other. */
const FORMS: readonly {
  readonly mark: string;
  readonly schema: v.GenericSchema<unknown, CarriedEvidence>;
}[] = [
  { mark: "tpm_quote", schema: AZURE_V1 },
  { mark: "quote", schema: AZURE_V0 },
];

interface KbsQuote {
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly pcrs: readonly Uint8Array[];
}

function azure(
  { message, signature, pcrs }: KbsQuote,
  hcl: Uint8Array,
  certificates: readonly Uint8Array[],
): CarriedAzureHcl {
  return { format: "azure-hcl", hcl, quote: message, signature, pcrs, ...besides(certificates) };
}

function besides(endorsements: readonly Uint8Array[]) {
  return endorsements.length === 0 ? {} : { endorsements };
}
