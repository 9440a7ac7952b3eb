/** What can be said about an SEV-SNP request? The vocabulary `sev-snp` 1 (WRIT section 6), as data for the language. */
import type { Effort, Vocabulary } from "../writ/vocabulary.ts";
import { BUILT_IN_GUARDS, PLATFORMS } from "./templates.ts";
import { AXIOMS } from "./vocabulary-axioms.ts";
import { COMPONENTS, FIELDS, PRODUCTS } from "./vocabulary-fields.ts";
import { LINTS } from "./vocabulary-lints.ts";
import { ORDINARY } from "./vocabulary-ordinary.ts";
import { WRAP_OF_SUITE } from "./wraps.ts";

/** What an operator would have to do, the least first. */
const EFFORTS: readonly Effort[] = [
  { prefix: "request.", effort: 1, how: "another request" },
  { prefix: "endorsement.crl_age", effort: 1, how: "a fresh CRL" },
  { prefix: "client.", effort: 2, how: "another client certificate" },
  { prefix: "posture.", effort: 2, how: "guest that says another thing of itself" },
  { prefix: "guest.", effort: 3, how: "guest launched with another policy" },
  { prefix: "vmpl", effort: 3, how: "report asked for at another VMPL" },
  { prefix: "measurement", effort: 4, how: "another image" },
  { prefix: "uefi.", effort: 4, how: "another firmware of the provider's" },
  { prefix: "host_vtpm.", effort: 4, how: "another image, by the provider's word" },
  { prefix: "id_block.", effort: 4, how: "another ID block" },
  { prefix: "host_data", effort: 4, how: "guest launched with other host data" },
  { prefix: "tcb.", effort: 5, how: "host firmware update" },
  { prefix: "firmware.", effort: 5, how: "host firmware update" },
  { prefix: "host.", effort: 5, how: "host configuration" },
  { prefix: "mitigations.", effort: 5, how: "host firmware update" },
  { prefix: "broker.", effort: 6, how: "broker configuration" },
  { prefix: "endorsement.", effort: 7, how: "another endorsement" },
  { prefix: "evidence.", effort: 8, how: "another platform" },
  { prefix: "report.", effort: 8, how: "another host" },
  { prefix: "product", effort: 9, how: "another host" },
  { prefix: "silicon", effort: 9, how: "another host" },
  { prefix: "cpu.", effort: 9, how: "another host" },
];

/** Fields, words, platforms and built-in guards that policies for SEV-SNP guests are written in. A change is a new version. */
export const SNP_VOCABULARY: Vocabulary = {
  id: "sev-snp",
  version: 1,
  subject: "an SEV-SNP request",
  vector: "TCB",
  fields: FIELDS,
  components: COMPONENTS,
  resourceField: "request.resource",
  timeField: "now",
  productField: "product",
  siliconField: "silicon",
  products: PRODUCTS,
  hasApprovals: true,
  obligations: [
    "token_ttl",
    "max_releases",
    "rate",
    "wrap",
    "key_version",
    "reattest",
    "approvals_expire",
    "notify",
    "audit",
  ],
  wraps: [WRAP_OF_SUITE[1], WRAP_OF_SUITE[2], WRAP_OF_SUITE[3]],
  platforms: PLATFORMS,
  guards: BUILT_IN_GUARDS,
  hints: {
    words: {
      ucode: "microcode",
      bl: "bootloader",
      chip_id: "report.chip_id",
      report_id: "report.id",
      launch_digest: "measurement",
      author_key_digest: "id_block.author_key",
      id_key_digest: "id_block.id_key",
    },
    lengths: [
      {
        field: "measurement",
        size: 32,
        help: "this looks like a SHA-256; SNP launch measurements are SHA-384",
      },
      { field: "id_block.id_key", size: 32, help: "this looks like a SHA-256; SNP key digests are SHA-384" },
      {
        field: "id_block.author_key",
        size: 32,
        help: "this looks like a SHA-256; SNP key digests are SHA-384",
      },
    ],
    efforts: EFFORTS,
    shown: ["request.op", "measurement", "product", "tcb.committed"],
  },
  axioms: AXIOMS,
  follows: [
    { field: "tcb.current", of: "tcb.committed" },
    { field: "tcb.reported", of: "tcb.committed" },
  ],
  lints: LINTS,
  ordinary: ORDINARY,
};
