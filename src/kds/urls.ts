/** Under which path does AMD's key server keep what? (AMD 57230, VCEK Certificate and KDS Interface Specification) */
import type { ProductLine } from "../attestation/snp/product.ts";
import type { TcbVersion } from "../attestation/snp/tcb.ts";
import { hexOf } from "../base/bytes.ts";

const TITLE: Readonly<Record<ProductLine, string>> = { milan: "Milan", genoa: "Genoa", turin: "Turin" };
const TURIN_CHIP_ID_BYTES = 8;

/** The VCEK of a chip at a TCB. Turin's chips are asked for by eight bytes, and its query begins with the FMC level. */
export function vcekPath(product: ProductLine, chipId: Uint8Array, tcb: TcbVersion): string {
  const id = product === "turin" ? chipId.slice(0, TURIN_CHIP_ID_BYTES) : chipId;
  const fmc = product === "turin" ? `fmcSPL=${two(tcb.fmc ?? 0)}&` : "";
  const { bootloader, tee, snp, microcode } = tcb;
  const levels = `blSPL=${two(bootloader)}&teeSPL=${two(tee)}&snpSPL=${two(snp)}&ucodeSPL=${two(microcode)}`;
  return `/vcek/v1/${TITLE[product]}/${hexOf(id)}?${fmc}${levels}`;
}

/** The intermediate and the ARK, in PEM. */
export function chainPath(product: ProductLine, kind: "vcek" | "vlek"): string {
  return `/${kind}/v1/${TITLE[product]}/cert_chain`;
}

export function crlPath(product: ProductLine, kind: "vcek" | "vlek"): string {
  return `/${kind}/v1/${TITLE[product]}/crl`;
}

function two(level: number): string {
  return String(level).padStart(2, "0");
}
