/** Which fields may a policy about an SEV-SNP request name? WRIT section 6, row by row, in its order. */
import type { Absence, Component, Field, FieldType, Product } from "../writ/vocabulary.ts";
import { POSTURE_FIELDS } from "./vocabulary-posture.ts";

const flag: FieldType = { kind: "flag" };
const tcb: FieldType = { kind: "tcb" };
const version: FieldType = { kind: "version" };
const duration: FieldType = { kind: "duration" };
const str: FieldType = { kind: "str" };
const mitigations: FieldType = { kind: "bits", bits: 64 };

const IN_V2: Absence = { where: "absent in v2 reports", whom: "every v2 report" };
const BEFORE_V5: Absence = {
  where: "absent in report versions 2, 3 and 4",
  whom: "every v2, v3 and v4 report",
};
const WITHOUT_VLEK: Absence = { where: "absent under a VCEK", whom: "every guest that signs with a VCEK" };
const WITHOUT_GUEST_TPM: Absence = {
  where: "absent without a quote of a vTPM inside the TEE",
  whom: "every guest without such a vTPM",
};
const WITHOUT_HOST_TPM: Absence = {
  where: "absent without a quote of the provider's vTPM",
  whom: "every guest that sends none",
};
const WITHOUT_FIRMWARE_WORD: Absence = {
  where: "absent without a provider's endorsement of the firmware",
  whom: "every guest whose firmware no provider endorses",
};
const WITHOUT_CLIENT: Absence = {
  where: "absent without a verified client certificate",
  whom: "every guest without a client certificate",
};
const FMC: Absence = { where: "absent before Turin", whom: "every Milan and Genoa host" };

/** The components of a TCB version, in the order they are printed. */
export const COMPONENTS: readonly Component[] = [
  { name: "fmc", max: 255, absence: FMC },
  { name: "bootloader", max: 255 },
  { name: "tee", max: 255 },
  { name: "snp", max: 255 },
  { name: "microcode", max: 255, isPerSilicon: true },
];

const CLASSIC = ["bootloader", "tee", "snp", "microcode"] as const;

/** AMD's key-server lines with the silicon sold under each (snp.md section 3). */
export const PRODUCTS: readonly Product[] = [
  { name: "milan", silicon: ["milan", "milan-x"], components: CLASSIC },
  { name: "genoa", silicon: ["genoa", "genoa-x", "siena"], components: CLASSIC },
  { name: "turin", silicon: ["turin", "turin-dense"], components: ["fmc", ...CLASSIC] },
];

function bytes(size: number, noun: string): FieldType {
  return { kind: "bytes", size, noun };
}

function uint(bits: 8 | 16 | 32): FieldType {
  return { kind: "uint", bits };
}

function oneOf(...values: readonly string[]): FieldType {
  return { kind: "enum", values };
}

const REPORT_FIELDS: readonly Field[] = [
  { name: "report.version", type: oneOf("2", "3", "4", "5"), doc: "Version of the report's layout (0x000)." },
  {
    name: "report.id",
    type: bytes(32, "a 32-byte identifier"),
    doc: "One per guest, stable for its life, new at every launch (0x140).",
  },
  {
    name: "report.id_ma",
    type: bytes(32, "a 32-byte identifier"),
    doc: "REPORT_ID of the migration agent; all ones, or zero, when there is none (0x160).",
  },
  { name: "report.chip_masked", type: flag, doc: "The host hides CHIP_ID: it is all zero." },
  {
    name: "report.chip_id",
    type: bytes(64, "a 64-byte identifier"),
    absence: { where: "absent when the chip identifier is masked", whom: "every masked chip" },
    doc: "The processor (0x1A0); on Turin 8 bytes, then zeros. Always masked under a VLEK.",
  },
  {
    name: "measurement",
    type: bytes(48, "a 48-byte digest"),
    doc: "Launch digest: what was in guest memory at launch, SHA-384 (0x090).",
  },
  {
    name: "host_data",
    type: bytes(32, "a 32-byte value"),
    doc: "Chosen by the host at launch (0x0C0): means something only where measured guest code looks at it.",
  },
  {
    name: "vmpl",
    type: uint(8),
    doc: "Privilege level in the guest that asked for the report, 0 to 3 (0x030).",
  },
  {
    name: "id_block.guest_svn",
    type: uint(32),
    doc: "Security version of the guest (0x004). The host's choice unless an ID key is pinned beside it.",
  },
  {
    name: "id_block.family_id",
    type: bytes(16, "a 16-byte identifier"),
    doc: "Product family (0x010). The host's choice unless an ID key is pinned beside it.",
  },
  {
    name: "id_block.image_id",
    type: bytes(16, "a 16-byte identifier"),
    doc: "Image (0x020). The host's choice unless an ID key is pinned beside it.",
  },
  {
    name: "id_block.id_key",
    type: bytes(48, "a 48-byte digest"),
    absence: { where: "absent without an ID block", whom: "every guest launched without an ID block" },
    doc: "SHA-384 of the key that signed the ID block (0x0E0).",
  },
  {
    name: "id_block.author_key",
    type: bytes(48, "a 48-byte digest"),
    absence: { where: "absent without an author key", whom: "every guest whose ID key no author key signed" },
    doc: "SHA-384 of the key that signed the ID key (0x110), where AUTHOR_KEY_EN is set.",
  },
];

const GUEST_FIELDS: readonly Field[] = [
  {
    name: "guest.abi",
    type: version,
    doc: "Least firmware ABI that the guest's owner asked for (POLICY 15:0).",
  },
  { name: "guest.smt", type: flag, doc: "Simultaneous multithreading is allowed (POLICY bit 16)." },
  { name: "guest.migrate_ma", type: flag, doc: "A migration agent may move the guest (POLICY bit 18)." },
  { name: "guest.debug", type: flag, doc: "The host may decrypt guest memory (POLICY bit 19)." },
  { name: "guest.single_socket", type: flag, doc: "Only one socket may run the guest (POLICY bit 20)." },
  { name: "guest.cxl", type: flag, doc: "CXL devices and memory are allowed (POLICY bit 21)." },
  { name: "guest.aes256_xts", type: flag, doc: "Memory must be encrypted with AES-256-XTS (POLICY bit 22)." },
  { name: "guest.rapl_disabled", type: flag, doc: "Power readings must be off (POLICY bit 23)." },
  { name: "guest.ciphertext_hiding", type: flag, doc: "Ciphertext in DRAM must be hidden (POLICY bit 24)." },
  {
    name: "guest.page_swap_disabled",
    type: flag,
    doc: "The host must not swap guest pages (POLICY bit 25).",
  },
  {
    name: "guest.unknown_bits",
    type: flag,
    doc: "A reserved POLICY bit is wrong. `ostiary.default` denies it.",
  },
];

const HOST_FIELDS: readonly Field[] = [
  { name: "host.smt", type: flag, doc: "Simultaneous multithreading is on (PLATFORM_INFO bit 0)." },
  { name: "host.tsme", type: flag, doc: "Transparent memory encryption is on (PLATFORM_INFO bit 1)." },
  { name: "host.ecc", type: flag, doc: "Memory has error correction (PLATFORM_INFO bit 2)." },
  { name: "host.rapl_disabled", type: flag, doc: "Power readings are off (PLATFORM_INFO bit 3)." },
  { name: "host.ciphertext_hiding", type: flag, doc: "Ciphertext in DRAM is hidden (PLATFORM_INFO bit 4)." },
  {
    name: "host.alias_check",
    type: flag,
    absence: IN_V2,
    doc: "No memory aliases were found since the last reset: BadRAM, AMD-SB-3015 (PLATFORM_INFO bit 5).",
  },
  {
    name: "host.iommu_write_safe",
    type: flag,
    absence: BEFORE_V5,
    doc: "IOMMU writes are safe: AMD-SB-3016 on Turin (PLATFORM_INFO bit 6).",
  },
  { name: "host.tio", type: flag, absence: BEFORE_V5, doc: "SEV-TIO is on (PLATFORM_INFO bit 7)." },
  {
    name: "host.unknown_bits",
    type: flag,
    doc: "A PLATFORM_INFO bit is set that this report version does not define. `ostiary.default` denies it.",
  },
];

const FIRMWARE_FIELDS: readonly Field[] = [
  {
    name: "tcb.current",
    type: tcb,
    doc: "Firmware that runs now; the host may roll it back to `tcb.committed`.",
  },
  { name: "tcb.reported", type: tcb, doc: "Firmware that the signing key stands for: the host's choice." },
  { name: "tcb.committed", type: tcb, doc: "Firmware that the host cannot go back behind." },
  {
    name: "tcb.launch",
    type: tcb,
    doc: "Committed firmware when the guest was launched or last moved here.",
  },
  { name: "firmware.version", type: version, doc: "Version of the running SNP firmware (0x1E8)." },
  {
    name: "firmware.committed_version",
    type: version,
    doc: "Version of the committed SNP firmware (0x1EC).",
  },
  {
    name: "firmware.provisional",
    type: flag,
    doc: "Committed and current firmware differ, so the host can roll back.",
  },
  { name: "cpu.family", type: uint(8), absence: IN_V2, doc: "CPUID family, extended one included (0x188)." },
  { name: "cpu.model", type: uint(8), absence: IN_V2, doc: "CPUID model, extended one included (0x189)." },
  { name: "cpu.stepping", type: uint(8), absence: IN_V2, doc: "CPUID stepping (0x18A)." },
  {
    name: "mitigations.launch",
    type: mitigations,
    absence: BEFORE_V5,
    doc: "Mitigations in force when the guest was launched (0x1F8).",
  },
  {
    name: "mitigations.current",
    type: mitigations,
    absence: BEFORE_V5,
    doc: "Mitigations in force now (0x200).",
  },
  {
    name: "product",
    type: oneOf("milan", "genoa", "turin"),
    doc: "Line of AMD's key server; Bergamo and Siena are `genoa`.",
  },
  {
    name: "silicon",
    type: oneOf("milan", "milan-x", "genoa", "genoa-x", "siena", "turin", "turin-dense"),
    absence: { where: "absent in v2 reports and for an unlisted stepping", whom: "every v2 report" },
    doc: "Silicon line, from the CPUID; microcode levels are comparable only within one.",
  },
];

const ENDORSEMENT_FIELDS: readonly Field[] = [
  {
    name: "endorsement.kind",
    type: oneOf("vcek", "vlek"),
    doc: "A key of this chip, or one of a provider's fleet.",
  },
  {
    name: "endorsement.csp",
    type: str,
    absence: {
      where: "absent unless under a VLEK of a known provider",
      whom: "every guest that signs with a VCEK",
    },
    doc: "Provider to whom AMD gave the VLEK, from a closed table over `endorsement.csp_id`.",
  },
  { name: "endorsement.csp_id", type: str, absence: WITHOUT_VLEK, doc: "The VLEK's CSP id as it stands." },
  { name: "endorsement.tcb", type: tcb, doc: "TCB in the certificate; always equal to `tcb.reported`." },
  {
    name: "endorsement.crl_age",
    type: duration,
    doc: "Since the CRL was fetched or imported; of one that came with the evidence, since its thisUpdate.",
  },
  { name: "endorsement.not_after_in", type: duration, doc: "Until the VCEK or VLEK certificate ends." },
  {
    name: "evidence.format",
    type: oneOf("raw", "azure-hcl", "svsm"),
    doc: "The envelope that verified.",
  },
  {
    name: "evidence.age",
    type: duration,
    doc: "Since the broker judged the report that the guest's facts are of; 0 only where it came with this request, not where a token is used.",
  },
  {
    name: "vtpm.pcr",
    type: bytes(32, "a 32-byte digest"),
    index: { from: 0, to: 23 },
    absence: WITHOUT_GUEST_TPM,
    doc: "PCR of a vTPM that runs inside the TEE, its key bound by the report. 16 and 23 are never there, nor under an SVSM 17 to 22: an operating system may set them back.",
  },
  {
    name: "vtpm.secure_boot",
    type: flag,
    absence: WITHOUT_GUEST_TPM,
    doc: "Secure boot, by the paravisor and by that vTPM's event log: where both speak, both say yes.",
  },
  {
    name: "host_vtpm.pcr",
    type: bytes(32, "a 32-byte digest"),
    index: { from: 0, to: 23 },
    absence: WITHOUT_HOST_TPM,
    doc: "PCR of a vTPM run by the host: the provider's word, not AMD's.",
  },
  {
    name: "host_vtpm.secure_boot",
    type: flag,
    absence: WITHOUT_HOST_TPM,
    doc: "Secure boot, by the provider's vTPM: the provider's word, not AMD's.",
  },
  {
    name: "uefi.endorsed_by",
    type: oneOf("google"),
    absence: WITHOUT_FIRMWARE_WORD,
    doc: "Who signed that `measurement` is a firmware of its own: the provider's word, not AMD's.",
  },
  {
    name: "uefi.svn",
    type: uint(32),
    absence: WITHOUT_FIRMWARE_WORD,
    doc: "Security version of that firmware: the provider's word, not AMD's.",
  },
  {
    name: "uefi.digest",
    type: bytes(48, "a 48-byte digest"),
    absence: WITHOUT_FIRMWARE_WORD,
    doc: "SHA-384 of that firmware's image: the provider's word, not AMD's.",
  },
  {
    name: "vm.vcpus",
    type: uint(16),
    absence: {
      where: "absent unless a reference value says it",
      whom: "every image whose entries do not say it",
    },
    doc: "vCPUs by the reference value that equals `measurement`: the broker's label, not signed by AMD.",
  },
];

const REQUEST_FIELDS: readonly Field[] = [
  { name: "request.resource", type: { kind: "path" }, doc: "What is asked for; named by `for resource`." },
  {
    name: "request.op",
    type: oneOf("release", "unwrap", "derive", "write"),
    doc: "A stored secret or token; use of a transit key; a derived secret; a new version from the guest.",
  },
  {
    name: "request.channel",
    type: oneOf("application", "ra-tls", "tls-exporter", "kbs"),
    doc: "The binding that the transcript proved.",
  },
  {
    name: "request.nonce_age",
    type: duration,
    doc: "Since the broker issued the nonce; 0 where a token is used.",
  },
  {
    name: "request.attempt",
    type: uint(32),
    doc: "1 and the decisions on this `report.id` and resource in the last hour.",
  },
  { name: "request.source", type: { kind: "cidr" }, doc: "Peer address as the broker sees it." },
  {
    name: "client.tenant",
    type: str,
    absence: WITHOUT_CLIENT,
    doc: "Tenant in the verified client certificate.",
  },
  { name: "client.spiffe", type: str, absence: WITHOUT_CLIENT, doc: "SPIFFE id in that certificate." },
  { name: "client.sans", type: { kind: "set" }, absence: WITHOUT_CLIENT, doc: "Names in that certificate." },
  { name: "now", type: { kind: "time" }, doc: "The broker's clock, read once per decision." },
  {
    name: "now.weekday",
    type: oneOf("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    doc: "Day of the week of `now`, UTC.",
  },
  { name: "now.hour", type: uint(8), doc: "Hour of `now`, 0 to 23, UTC." },
  { name: "broker.region", type: str, doc: "Configured." },
  { name: "broker.environment", type: str, doc: "Configured." },
  {
    name: "broker.sealed",
    type: flag,
    doc: "The broker's root key is in sealed or hardware storage.",
  },
];

/** Every field. Order matters to messages and to the ties of "nearest change". */
export const FIELDS: readonly Field[] = [
  ...REPORT_FIELDS,
  ...GUEST_FIELDS,
  ...HOST_FIELDS,
  ...FIRMWARE_FIELDS,
  ...ENDORSEMENT_FIELDS,
  ...POSTURE_FIELDS,
  ...REQUEST_FIELDS,
];
