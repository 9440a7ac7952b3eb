/** Is the ordinary request the one of the table? Written a second time, row by row, from WRIT section 13. */
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";

type Product = "milan" | "genoa" | "turin";

const MILAN = { bootloader: 4, tee: 0, snp: 24, microcode: 219 };
const GENOA = { bootloader: 10, tee: 0, snp: 23, microcode: 84 };
const TURIN = { fmc: 1, bootloader: 1, tee: 1, snp: 3, microcode: 75 };
const CHIP = "03".repeat(64);
const TURIN_CHIP = `${"03".repeat(8)}${"00".repeat(56)}`;

const of = <T>(value: T) => ({ milan: value, genoa: value, turin: value });
const turinOnly = <T>(turin: T) => ({ milan: undefined, genoa: undefined, turin });

/** Field → its value on each product; `undefined` is absent. */
const TABLE: Readonly<Record<string, Readonly<Record<Product, unknown>>>> = {
  product: { milan: "milan", genoa: "genoa", turin: "turin" },
  silicon: { milan: "milan", genoa: "genoa", turin: "turin" },
  "report.version": { milan: "3", genoa: "3", turin: "5" },
  "cpu.family": { milan: 25, genoa: 25, turin: 26 },
  "cpu.model": { milan: 1, genoa: 17, turin: 2 },
  "cpu.stepping": of(1),
  "tcb.committed": { milan: MILAN, genoa: GENOA, turin: TURIN },
  "tcb.launch": { milan: MILAN, genoa: GENOA, turin: TURIN },
  "tcb.current": { milan: MILAN, genoa: GENOA, turin: TURIN },
  "tcb.reported": { milan: MILAN, genoa: GENOA, turin: TURIN },
  "endorsement.tcb": { milan: MILAN, genoa: GENOA, turin: TURIN },
  "firmware.version": of([1, 55, 0]),
  "firmware.committed_version": of([1, 55, 0]),
  "firmware.provisional": of(false),
  "report.id": of("01".repeat(32)),
  "report.id_ma": of("ff".repeat(32)),
  "report.chip_masked": of(false),
  "report.chip_id": { milan: CHIP, genoa: CHIP, turin: TURIN_CHIP },
  measurement: of("02".repeat(48)),
  host_data: of("00".repeat(32)),
  "id_block.family_id": of("00".repeat(16)),
  "id_block.image_id": of("00".repeat(16)),
  "id_block.guest_svn": of(0),
  vmpl: of(0),
  "guest.abi": of([0, 0, 0]),
  "guest.smt": of(true),
  "host.smt": of(true),
  "host.ecc": of(true),
  "broker.sealed": of(true),
  "host.alias_check": of(true),
  "host.iommu_write_safe": turinOnly(true),
  "host.tio": turinOnly(false),
  "mitigations.launch": turinOnly(0n),
  "mitigations.current": turinOnly(0n),
  "evidence.format": of("raw"),
  "evidence.age": of(0),
  "endorsement.kind": of("vcek"),
  "endorsement.crl_age": of(3_600_000),
  "endorsement.not_after_in": of(31_536_000_000),
  "request.op": of("release"),
  "request.channel": of("application"),
  "request.nonce_age": of(1000),
  "request.attempt": of(1),
  "request.source": of("192.0.2.1"),
  "broker.region": of("test"),
  "broker.environment": of("test"),
};

/** Every other flag that is not optional is false; every other field is absent. */
function ordinaryOf(product: Product): ReadonlyMap<string, unknown> {
  const rest = SNP_VOCABULARY.fields
    .filter(({ name, type, absence }) => type.kind === "flag" && absence === undefined && !(name in TABLE))
    .map(({ name }) => [name, false] as const);
  const rows = Object.entries(TABLE).map(([name, row]) => [name, row[product]] as const);
  return new Map<string, unknown>([...rows.filter(([, value]) => value !== undefined), ...rest]);
}

describe("the ordinary request", () => {
  it.each(["milan", "genoa", "turin"] as const)(
    "of %s holds each row of the table and nothing else",
    (product) => {
      const told = new Map<string, unknown>(SNP_VOCABULARY.ordinary[product] ?? []);
      expect(Object.fromEntries(told)).toEqual(Object.fromEntries(ordinaryOf(product)));
    },
  );
});
