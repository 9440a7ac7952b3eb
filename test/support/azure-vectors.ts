/** What did real VMs of Azure show? The samples beside the project, each with the nonce that its quote was made over. */
import { parseEndorsementFile } from "../../src/attestation/endorsement/pem.ts";
import { parseHex, utf8 } from "../../src/base/bytes.ts";
import { amdCertificate } from "../attestation/real-case.ts";
import { readVector, readVectorJson } from "./shared-vectors.ts";

export interface AzureSample {
  readonly name: string;
  readonly product: "milan" | "genoa";
  readonly hcl: Uint8Array;
  readonly quote: Uint8Array;
  readonly signature: Uint8Array;
  readonly pcrs: readonly Uint8Array[];
  readonly certificates: readonly Uint8Array[];
  /** What the quote's `extraData` is. */
  readonly nonce: Uint8Array;
  /** Lower-case hex. */
  readonly pcr0: string;
}

interface NumbersJson {
  readonly report: readonly number[];
  readonly vcek: string;
  readonly quote: {
    readonly message: readonly number[];
    readonly signature: readonly number[];
    readonly pcrs: readonly (readonly number[])[];
  };
}

interface HexQuote {
  readonly message: string;
  readonly signature: string;
  readonly pcrs: readonly string[];
}

interface TextJson {
  readonly hcl_report: string;
  readonly vcek: string;
  readonly tpm_quote: HexQuote;
}

const CHALLENGE = utf8("challenge");
const GENOA_NONCE =
  "0218488bae25d2509232bf676f1a66a30d7372add909109b36016ef136f2938ca05475f8b46094de6b64270ea35d950f";
const MILAN_PCR_0 = "e15c44796beabf46abcec7c57e590942041e47497e4ec27571c8b7664f48dced";
const GENOA_PCR_0 = "afd689d0bb1c5f36f023fbaf574135f555a28a10c1f6b938d2a25e70c7783338";

const chainOf = (line: "Milan" | "Genoa") => [`SEV-${line}.pem`, `ARK-${line}.pem`].map(amdCertificate);
const hex = (text: string): Uint8Array => parseHex(text) ?? new Uint8Array(0);
const base64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "base64url"));

function ofNumbers(name: string, product: AzureSample["product"]): AzureSample {
  const { report, vcek, quote } = readVectorJson<NumbersJson>("azure/trustee", name);
  const { certificates } = parseEndorsementFile(utf8(vcek));
  const isGenoa = product === "genoa";
  return {
    name,
    product,
    hcl: Uint8Array.from(report),
    quote: Uint8Array.from(quote.message),
    signature: Uint8Array.from(quote.signature),
    pcrs: quote.pcrs.map((pcr) => Uint8Array.from(pcr)),
    certificates: [...certificates, ...chainOf(isGenoa ? "Genoa" : "Milan")],
    nonce: isGenoa ? hex(GENOA_NONCE) : CHALLENGE,
    pcr0: isGenoa ? GENOA_PCR_0 : MILAN_PCR_0,
  };
}

function ofHexQuote({ message, signature, pcrs }: HexQuote) {
  return { quote: hex(message), signature: hex(signature), pcrs: pcrs.map(hex) };
}

function ofText(): AzureSample {
  const {
    hcl_report: blob,
    vcek,
    tpm_quote: quote,
  } = readVectorJson<TextJson>("azure/trustee/evidence-v1.json");
  return {
    name: "evidence-v1.json",
    product: "milan",
    hcl: base64(blob),
    ...ofHexQuote(quote),
    certificates: [base64(vcek), ...chainOf("Milan")],
    nonce: CHALLENGE,
    pcr0: MILAN_PCR_0,
  };
}

function ofBlob(): AzureSample {
  const quote = ofHexQuote(readVectorJson<HexQuote>("azure/trustee/tpm-quote-v1.json"));
  return {
    name: "hcl-report.bin",
    product: "milan",
    hcl: readVector("azure/trustee/hcl-report.bin"),
    ...quote,
    certificates: parseEndorsementFile(readVector("azure/trustee/vcek.pem")).certificates,
    nonce: CHALLENGE,
    pcr0: "f3a7e99a5f819a034386bce753a48a73cfdaa0bea0ecfc124bedbf5a8c4799be",
  };
}

/** By the names of their files. */
export const AZURE_SAMPLES: Readonly<Record<string, () => AzureSample>> = {
  "evidence-v0.json": () => ofNumbers("evidence-v0.json", "milan"),
  "evidence-v1.json": ofText,
  "evidence-genoa.json": () => ofNumbers("evidence-genoa.json", "genoa"),
  "hcl-report.bin": ofBlob,
};
