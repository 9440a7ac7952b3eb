/** What do the numbers of the AMD SEV-SNP profile of CoRIM mean, and which field of Writ is each? */
import type { ProductLine } from "../attestation/snp/product.ts";
import type { TcbLayout } from "../attestation/snp/tcb.ts";

/**
 * The profile, by the URI of its second draft and by that of the editor's copy. Older drafts give the same numbers to other fields, so
 * theirs is not one of these.
 *
 * @see draft-deeglaze-amd-sev-snp-corim-profile-02
 */
export const SNP_PROFILES = [
  "tag:amd.com,2024:snp-corim-profile",
  "tag:amd.com,2025:snp-corim-profile",
] as const;

/** Reports under a VCEK, and under a VLEK: an OID below AMD's number, or a UUID. */
export const SNP_CLASSES: ReadonlyMap<string, "vcek" | "vlek"> = new Map([
  ["2b060104019c780301", "vcek"], // 1.3.6.1.4.1.3704.3.1
  ["d05e6d1b9f464ae2a610ce3e6ee7e153", "vcek"],
  ["2b060104019c780302", "vlek"], // 1.3.6.1.4.1.3704.3.2
  ["89a7a1f0e7044faaacbd81c86df8a961", "vlek"],
]);
/** What is written: the class of reports under a VCEK. */
export const WRITTEN_CLASS = "2b060104019c780301";

export const MODELS: ReadonlyMap<string, ProductLine> = new Map([
  ["Milan", "milan"],
  ["Genoa", "genoa"],
  ["Turin", "turin"],
]);
export const LAYOUTS: Readonly<Record<ProductLine, TcbLayout>> = {
  milan: "classic",
  genoa: "classic",
  turin: "turin",
};

export type TcbName = "current" | "reported" | "committed" | "launch";

/** A measured element. `set`: its values become a reference set, whose name ends so. `equal`: all must agree. */
export type SnpElement = { readonly name: string } & (
  | { readonly kind: "set"; readonly field: string; readonly suffix: string; readonly size: number }
  | { readonly kind: "equal"; readonly field: string; readonly size: number }
  | { readonly kind: "svn"; readonly field: string }
  | { readonly kind: "tcb"; readonly tcb: TcbName }
  | { readonly kind: "none"; readonly why: string }
);

const OF_ONE_LAUNCH = "it is of one launch";
const BITS = "write the bits that matter as conditions on";

/** By number (mkey). */
export const ELEMENTS: ReadonlyMap<bigint, SnpElement> = new Map<bigint, SnpElement>([
  [0n, { name: "VERSION", kind: "none", why: "write `report.version` where it matters" }],
  [1n, { name: "GUEST_SVN", kind: "svn", field: "id_block.guest_svn" }],
  [2n, { name: "POLICY", kind: "none", why: `${BITS} \`guest\`` }],
  [3n, { name: "FAMILY_ID", kind: "equal", field: "id_block.family_id", size: 16 }],
  [4n, { name: "IMAGE_ID", kind: "equal", field: "id_block.image_id", size: 16 }],
  [5n, { name: "VMPL", kind: "none", why: "a platform says it: `platform bare-metal`" }],
  [6n, { name: "CURRENT_TCB", kind: "tcb", tcb: "current" }],
  [7n, { name: "PLATFORM_INFO", kind: "none", why: `${BITS} \`host\`` }],
  [640n, { name: "REPORT_DATA", kind: "none", why: OF_ONE_LAUNCH }],
  [641n, { name: "MEASUREMENT", kind: "set", field: "measurement", suffix: "", size: 48 }],
  [642n, { name: "HOST_DATA", kind: "set", field: "host_data", suffix: "_host_data", size: 32 }],
  [643n, { name: "ID_KEY_DIGEST", kind: "set", field: "id_block.id_key", suffix: "_id_keys", size: 48 }],
  [
    644n,
    { name: "AUTHOR_KEY_DIGEST", kind: "set", field: "id_block.author_key", suffix: "_authors", size: 48 },
  ],
  [645n, { name: "REPORT_ID", kind: "none", why: OF_ONE_LAUNCH }],
  [646n, { name: "REPORT_ID_MA", kind: "none", why: OF_ONE_LAUNCH }],
  [647n, { name: "REPORTED_TCB", kind: "tcb", tcb: "reported" }],
  [648n, { name: "CPUID_FAM_ID", kind: "none", why: "write `product` or `silicon`" }],
  [649n, { name: "CPUID_MOD_ID", kind: "none", why: "write `product` or `silicon`" }],
  [650n, { name: "CPUID_STEP", kind: "none", why: "write `product` or `silicon`" }],
  [3328n, { name: "CHIP_ID", kind: "none", why: "it is of one chip" }],
  [3329n, { name: "COMMITTED_TCB", kind: "tcb", tcb: "committed" }],
  [3330n, { name: "the current firmware's version", kind: "none", why: "write `firmware.version`" }],
  [
    3936n,
    { name: "the committed firmware's version", kind: "none", why: "write `firmware.committed_version`" },
  ],
  [3968n, { name: "LAUNCH_TCB", kind: "tcb", tcb: "launch" }],
]);
