/** Which processor is this? CPUID to AMD's key-server product line and to the silicon line that microcode levels count in. */
import type { TcbLayout } from "./tcb.ts";

/** A line of AMD's key server. Bergamo and Siena are `genoa` there. */
export type ProductLine = "milan" | "genoa" | "turin";

/** Microcode levels are comparable within one silicon line only. `siena` is Bergamo and Siena. */
export type SiliconLine = "milan" | "milan-x" | "genoa" | "genoa-x" | "siena" | "turin" | "turin-dense";

/** Combined family, combined model and stepping, as reports of version 3 and later carry them. */
export interface CpuId {
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
}

interface SiliconRow {
  readonly models: readonly [from: number, to: number];
  readonly family: number;
  readonly product: ProductLine;
  /** Stepping to line; a stepping that is not listed keeps its product and has no line. */
  readonly lines: Readonly<Record<number, SiliconLine>>;
}

/** By range of family and model; a range that is not listed is an unknown product. */
const SILICON: readonly SiliconRow[] = [
  { family: 0x19, models: [0x00, 0x0f], product: "milan", lines: { 0: "milan", 1: "milan", 2: "milan-x" } },
  { family: 0x19, models: [0x10, 0x1f], product: "genoa", lines: { 1: "genoa", 2: "genoa-x" } },
  { family: 0x19, models: [0xa0, 0xaf], product: "genoa", lines: { 2: "siena" } },
  { family: 0x1a, models: [0x00, 0x10], product: "turin", lines: { 1: "turin" } },
  { family: 0x1a, models: [0x11, 0x11], product: "turin", lines: { 0: "turin-dense" } },
];

/** The product line of a CPUID, or `undefined` for a processor that is not known. */
export function productOf(cpuid: CpuId): ProductLine | undefined {
  return rowOf(cpuid)?.product;
}

/** The silicon line of a CPUID, or `undefined` where the stepping is not known: then no microcode floor holds. */
export function siliconOf(cpuid: CpuId): SiliconLine | undefined {
  return rowOf(cpuid)?.lines[cpuid.stepping];
}

/** The layout of the TCB version. Family 0x1A and later have Turin's, whatever else a certificate says. */
export function tcbLayoutOf(cpuid: CpuId | undefined): TcbLayout {
  return cpuid !== undefined && cpuid.family >= 0x1a ? "turin" : "classic";
}

function rowOf({ family, model }: CpuId): SiliconRow | undefined {
  return SILICON.find((row) => row.family === family && model >= row.models[0] && model <= row.models[1]);
}
