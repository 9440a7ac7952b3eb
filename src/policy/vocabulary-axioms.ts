/** What is true of every SEV-SNP request that the verifier can produce? WRIT section 11, and where in doubt nothing. */
import type { Axiom, Claim } from "../writ/axiom.ts";
import { PRODUCTS } from "./vocabulary-fields.ts";
import { POSTURE_FIELDS } from "./vocabulary-posture.ts";

function present(...fields: readonly string[]): readonly Claim[] {
  return fields.map((field) => ({ kind: "present", field }));
}

function absent(...fields: readonly string[]): readonly Claim[] {
  return fields.map((field) => ({ kind: "absent", field }));
}

function isOneOf(field: string, ...values: readonly string[]): Claim {
  return { kind: "one-of", field, values };
}

const CPU = ["cpu.family", "cpu.model", "cpu.stepping"] as const;
const FROM_V3 = [...CPU, "host.alias_check"] as const;
const FROM_V5 = ["host.iommu_write_safe", "host.tio", "mitigations.launch", "mitigations.current"] as const;

/** A stepping that nobody listed has no silicon line, so `silicon` may be absent from v3 on (WRIT section 11 says present). */
const BY_REPORT_VERSION: readonly Axiom[] = [
  {
    kind: "implies",
    when: [isOneOf("report.version", "2")],
    follows: absent(...FROM_V3, "silicon", ...FROM_V5),
    text: "a v2 report has no `cpu.*`, `silicon`, `host.alias_check`, `host.iommu_write_safe`, `host.tio` or `mitigations.*`",
  },
  {
    kind: "implies",
    when: [isOneOf("report.version", "3", "4")],
    follows: [...present(...FROM_V3), ...absent(...FROM_V5)],
    text: "a v3 or v4 report has `cpu.*` and `host.alias_check`, and no `host.iommu_write_safe`, `host.tio` or `mitigations.*`",
  },
  {
    kind: "implies",
    when: [isOneOf("report.version", "5")],
    follows: present(...FROM_V3, ...FROM_V5),
    text: "a v5 report has `cpu.*`, `host.alias_check`, `host.iommu_write_safe`, `host.tio` and `mitigations.*`",
  },
];

const BY_SILICON: readonly Axiom[] = PRODUCTS.map(({ name, silicon }) => ({
  kind: "implies",
  when: [isOneOf("silicon", ...silicon)],
  follows: [isOneOf("product", name)],
  text: `\`silicon\` ${silicon.join(", ")} is sold as \`product\` ${name}`,
}));

interface CpuRow {
  readonly product: string;
  readonly family: number;
  readonly models: readonly (readonly [least: number, most: number])[];
}

/** The families and models of AMD's key-server lines (snp.md section 3). */
const CPUS: readonly CpuRow[] = [
  { product: "milan", family: 0x19, models: [[0x00, 0x0f]] },
  {
    product: "genoa",
    family: 0x19,
    models: [
      [0x10, 0x1f],
      [0xa0, 0xaf],
    ],
  },
  { product: "turin", family: 0x1a, models: [[0x00, 0x11]] },
];

const BY_CPU: readonly Axiom[] = CPUS.flatMap(({ product, family, models }): readonly Axiom[] => [
  {
    kind: "implies",
    when: [isOneOf("product", product), ...present("cpu.family")],
    follows: [{ kind: "within", field: "cpu.family", ranges: [[family, family]] }],
    text: `\`product\` ${product} is \`cpu.family\` ${family}`,
  },
  {
    kind: "implies",
    when: [isOneOf("product", product), ...present("cpu.model")],
    follows: [{ kind: "within", field: "cpu.model", ranges: models }],
    text: `\`product\` ${product} is \`cpu.model\` ${models.map(([least, most]) => `${least} .. ${most}`).join(" or ")}`,
  },
]);

const FIRMWARE: readonly Axiom[] = [
  {
    kind: "components",
    fields: ["tcb.current", "tcb.reported", "tcb.committed", "tcb.launch"],
    text: "a TCB has the components of its `product`: `fmc` on turin, and only there",
  },
  {
    kind: "alias",
    field: "endorsement.tcb",
    of: "tcb.reported",
    text: "`endorsement.tcb` equals `tcb.reported`",
  },
  {
    kind: "at-most",
    lower: "tcb.reported",
    upper: "tcb.current",
    text: "no component of `tcb.reported` is above `tcb.current`",
  },
  {
    kind: "at-most",
    lower: "tcb.committed",
    upper: "tcb.current",
    text: "no component of `tcb.committed` is above `tcb.current`",
  },
  {
    kind: "differs",
    flag: "firmware.provisional",
    pairs: [
      ["tcb.committed", "tcb.current"],
      ["firmware.committed_version", "firmware.version"],
    ],
    text: "`firmware.provisional` is true exactly where committed and current firmware differ, in TCB or version",
  },
];

const CHIP: readonly Axiom[] = [
  {
    kind: "implies",
    when: [{ kind: "flag", field: "report.chip_masked", is: true }],
    follows: absent("report.chip_id"),
    text: "a masked chip has no `report.chip_id`",
  },
  {
    kind: "implies",
    when: [{ kind: "flag", field: "report.chip_masked", is: false }],
    follows: present("report.chip_id"),
    text: "a chip that is not masked has a `report.chip_id`",
  },
];

const ENDORSEMENT: readonly Axiom[] = [
  {
    kind: "implies",
    when: [isOneOf("endorsement.kind", "vcek")],
    follows: absent("endorsement.csp", "endorsement.csp_id"),
    text: "there is no `endorsement.csp` or `endorsement.csp_id` under a VCEK",
  },
  {
    kind: "implies",
    when: [isOneOf("endorsement.kind", "vlek")],
    follows: present("endorsement.csp_id"),
    text: "a VLEK has an `endorsement.csp_id`",
  },
];

const EVIDENCE: readonly Axiom[] = [
  {
    kind: "implies",
    when: [],
    follows: absent("vtpm.pcr[16]", "vtpm.pcr[23]", "host_vtpm.pcr[16]", "host_vtpm.pcr[23]"),
    text: "PCR 16 and 23 say nothing: an operating system may set them back, so they are never there",
  },
  {
    kind: "implies",
    when: [isOneOf("evidence.format", "svsm")],
    follows: absent(...[17, 18, 19, 20, 21, 22].map((pcr) => `vtpm.pcr[${pcr}]`)),
    text: "under an SVSM PCR 17 to 22 say nothing: the guest names the locality from which they are set back",
  },
  {
    kind: "implies",
    when: [isOneOf("evidence.format", "raw")],
    follows: absent("vtpm.pcr", "vtpm.secure_boot"),
    text: "`vtpm.*` comes with `evidence.format` azure-hcl or svsm",
  },
  {
    kind: "implies",
    when: [isOneOf("evidence.format", "azure-hcl", "svsm")],
    follows: absent("host_vtpm.pcr", "host_vtpm.secure_boot"),
    text: "`host_vtpm.*` comes with `evidence.format` raw",
  },
  {
    kind: "implies",
    when: [isOneOf("evidence.format", "azure-hcl", "svsm")],
    follows: absent("uefi.endorsed_by", "uefi.svn", "uefi.digest"),
    text: "`uefi.*` comes with `evidence.format` raw",
  },
  {
    kind: "implies",
    when: present("uefi.endorsed_by"),
    follows: present("uefi.svn", "uefi.digest"),
    text: "`uefi.svn` and `uefi.digest` come with `uefi.endorsed_by`",
  },
  {
    kind: "implies",
    when: absent("uefi.endorsed_by"),
    follows: absent("uefi.svn", "uefi.digest"),
    text: "there is no `uefi.svn` or `uefi.digest` without `uefi.endorsed_by`",
  },
];

/** What stands in every posture comes together; what only some say may be there or not. */
const ALL_POSTURE = ["warnings", "failures"].map((name) => `posture.${name}`);
const SOME_POSTURE = POSTURE_FIELDS.map(({ name }) => name).filter(
  (name) => name !== "posture.age" && !ALL_POSTURE.includes(name),
);

const POSTURE: readonly Axiom[] = [
  {
    kind: "implies",
    when: present("posture.age"),
    follows: present(...ALL_POSTURE),
    text: "a posture says how many checks warn and fail",
  },
  {
    kind: "implies",
    when: absent("posture.age"),
    follows: absent(...ALL_POSTURE, ...SOME_POSTURE),
    text: "there is no `posture.*` without a posture, which has an age",
  },
];

/** Nothing is said of `tcb.launch`: a guest may have moved here from any host. */
export const AXIOMS: readonly Axiom[] = [
  ...BY_REPORT_VERSION,
  ...BY_SILICON,
  ...BY_CPU,
  ...FIRMWARE,
  ...CHIP,
  ...ENDORSEMENT,
  ...EVIDENCE,
  ...POSTURE,
  {
    kind: "labelled",
    field: "vm.vcpus",
    of: "measurement",
    text: "`vm.vcpus` is that of the reference values that equal `measurement`",
  },
  {
    kind: "calendar",
    weekday: "now.weekday",
    hour: "now.hour",
    days: ["thu", "fri", "sat", "sun", "mon", "tue", "wed"],
    text: "`now.weekday` and `now.hour` are those of `now`",
  },
];
