/** What does an unremarkable request look like? The ordinary request of each product (WRIT section 13), derived fields filled in. */
import type { Facts, FactValue, TcbFact } from "../writ/facts.ts";

type Rows = readonly (readonly [name: string, value: FactValue])[];

function every(byte: string, size: number): string {
  return byte.repeat(size);
}

/** The same whatever the product. The resource and the time are set by each test. */
const COMMON: Rows = [
  ["report.id", every("01", 32)],
  ["report.id_ma", every("ff", 32)],
  ["report.chip_masked", false],
  ["measurement", every("02", 48)],
  ["host_data", every("00", 32)],
  ["vmpl", 0],
  ["id_block.guest_svn", 0],
  ["id_block.family_id", every("00", 16)],
  ["id_block.image_id", every("00", 16)],
  ["guest.abi", [0, 0, 0]],
  ["guest.smt", true],
  ["guest.migrate_ma", false],
  ["guest.debug", false],
  ["guest.single_socket", false],
  ["guest.cxl", false],
  ["guest.aes256_xts", false],
  ["guest.rapl_disabled", false],
  ["guest.ciphertext_hiding", false],
  ["guest.page_swap_disabled", false],
  ["guest.unknown_bits", false],
  ["host.smt", true],
  ["host.tsme", false],
  ["host.ecc", true],
  ["host.rapl_disabled", false],
  ["host.ciphertext_hiding", false],
  ["host.unknown_bits", false],
  ["firmware.version", [1, 55, 0]],
  ["firmware.committed_version", [1, 55, 0]],
  ["firmware.provisional", false],
  ["endorsement.kind", "vcek"],
  ["endorsement.crl_age", 3_600_000],
  ["endorsement.not_after_in", 365 * 86_400_000],
  ["evidence.format", "raw"],
  ["evidence.age", 0],
  ["request.op", "release"],
  ["request.channel", "application"],
  ["request.nonce_age", 1000],
  ["request.attempt", 1],
  ["request.source", "192.0.2.1"],
  ["broker.region", "test"],
  ["broker.environment", "test"],
  ["broker.sealed", true],
];

interface OrdinaryProduct {
  readonly name: string;
  readonly reportVersion: "3" | "5";
  readonly cpu: readonly [family: number, model: number, stepping: number];
  readonly tcb: TcbFact;
  readonly chipId: string;
  /** Fields that only this product's report version has. */
  readonly rest: Rows;
}

const ORDINARY_PRODUCTS: readonly OrdinaryProduct[] = [
  {
    name: "milan",
    reportVersion: "3",
    cpu: [25, 1, 1],
    tcb: { bootloader: 4, tee: 0, snp: 24, microcode: 219 },
    chipId: every("03", 64),
    rest: [["host.alias_check", true]],
  },
  {
    name: "genoa",
    reportVersion: "3",
    cpu: [25, 17, 1],
    tcb: { bootloader: 10, tee: 0, snp: 23, microcode: 84 },
    chipId: every("03", 64),
    rest: [["host.alias_check", true]],
  },
  {
    name: "turin",
    reportVersion: "5",
    cpu: [26, 2, 1],
    tcb: { fmc: 1, bootloader: 1, tee: 1, snp: 3, microcode: 75 },
    chipId: every("03", 8) + every("00", 56),
    rest: [
      ["host.alias_check", true],
      ["host.iommu_write_safe", true],
      ["host.tio", false],
      ["mitigations.launch", 0n],
      ["mitigations.current", 0n],
    ],
  },
];

/** The ordinary request by product. Tests of policies depend on it: a change here is a new vocabulary version. */
export const ORDINARY: Readonly<Record<string, Facts>> = Object.fromEntries(
  ORDINARY_PRODUCTS.map((product) => [product.name, factsOfProduct(product)]),
);

function factsOfProduct({ name, reportVersion, cpu, tcb, chipId, rest }: OrdinaryProduct): Facts {
  return new Map<string, FactValue>([
    ...COMMON,
    ...rest,
    ["product", name],
    ["silicon", name],
    ["report.version", reportVersion],
    ["report.chip_id", chipId],
    ["cpu.family", cpu[0]],
    ["cpu.model", cpu[1]],
    ["cpu.stepping", cpu[2]],
    ["tcb.current", tcb],
    ["tcb.reported", tcb],
    ["tcb.committed", tcb],
    ["tcb.launch", tcb],
    ["endorsement.tcb", tcb],
  ]);
}
