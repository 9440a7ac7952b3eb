/** Which field of Writ is a claim of Trustee's? By the names that it has had, flat and nested. */

export type ClaimType =
  | { readonly kind: "bytes"; readonly size: number }
  | { readonly kind: "flag" }
  | { readonly kind: "level" }
  | { readonly kind: "abi"; readonly half: "major" | "minor" };

export interface Claim {
  readonly field: string;
  readonly type: ClaimType;
  /** Not every guest has it. */
  readonly isOptional: boolean;
}

/** Of which kind of evidence the claims are. */
export type Tee = "snp" | "az-snp-vtpm";

const flag = (field: string): Claim => ({ field, type: { kind: "flag" }, isOptional: false });
const level = (component: string): Claim => ({
  field: `tcb.reported.${component}`,
  type: { kind: "level" },
  isOptional: false,
});
const bytes = (field: string, size: number, isOptional = false): Claim => ({
  field,
  type: { kind: "bytes", size },
  isOptional,
});
const abi = (half: "major" | "minor"): Claim => ({
  field: "guest.abi",
  type: { kind: "abi", half },
  isOptional: false,
});

const CLAIMS: Readonly<Record<string, Claim>> = {
  measurement: bytes("measurement", 48),
  host_data: bytes("host_data", 32),
  chip_id: bytes("report.chip_id", 64, true),
  id_key_digest: bytes("id_block.id_key", 48, true),
  author_key_digest: bytes("id_block.author_key", 48, true),
  "reported_tcb.bootloader": level("bootloader"),
  "reported_tcb.tee": level("tee"),
  "reported_tcb.snp": level("snp"),
  "reported_tcb.microcode": level("microcode"),
  reported_tcb_bootloader: level("bootloader"),
  reported_tcb_tee: level("tee"),
  reported_tcb_snp: level("snp"),
  reported_tcb_microcode: level("microcode"),
  "policy.abi_major": abi("major"),
  "policy.abi_minor": abi("minor"),
  policy_abi_major: abi("major"),
  policy_abi_minor: abi("minor"),
  "policy.debug_allowed": flag("guest.debug"),
  policy_debug_allowed: flag("guest.debug"),
  "policy.migrate_ma_allowed": flag("guest.migrate_ma"),
  policy_migrate_ma: flag("guest.migrate_ma"),
  "policy.smt_allowed": flag("guest.smt"),
  policy_smt_allowed: flag("guest.smt"),
  "policy.single_socket_required": flag("guest.single_socket"),
  policy_single_socket: flag("guest.single_socket"),
  "plat_info.smt_enabled": flag("host.smt"),
  platform_smt_enabled: flag("host.smt"),
  "plat_info.tsme_enabled": flag("host.tsme"),
  platform_tsme_enabled: flag("host.tsme"),
};

const PCR = /^tpm\.pcr([01][0-9]|2[0-3])$/;

/** The claim under a path below the guest's own member, `parent` where the path leads on, `undefined` for one that is not known. */
export function claimAt(tee: Tee, path: readonly string[]): Claim | "parent" | undefined {
  const name = path.join(".");
  if (Object.hasOwn(CLAIMS, name)) return CLAIMS[name];
  if (tee === "az-snp-vtpm") {
    const [, digits] = PCR.exec(name) ?? [];
    if (digits !== undefined) return bytes(`vtpm.pcr[${Number(digits)}]`, 32, true);
    if (name === "tpm") return "parent";
  }
  return Object.keys(CLAIMS).some((known) => known.startsWith(`${name}.`)) ? "parent" : undefined;
}

/** HOST_DATA under the name that it has beside the guest's member. */
export const INIT_DATA: Claim = bytes("host_data", 32);

/** Whether to name this field's value is to name what runs in the guest. On Azure the measurement is the paravisor's alone. */
export function isIdentity(tee: Tee, { field }: Claim): boolean {
  return tee === "snp" ? field === "measurement" : field.startsWith("vtpm.pcr");
}

/** The members of other platforms: guests of SEV-SNP have none of them. */
export const OTHER_TEES: ReadonlySet<string> = new Set([
  "sample",
  "sampledevice",
  "sgx",
  "tdx",
  "az-tdx-vtpm",
  "cca",
  "csv",
  "hygondcu",
  "se",
  "tpm",
  "nvidia",
  "snp",
  "az-snp-vtpm",
]);
