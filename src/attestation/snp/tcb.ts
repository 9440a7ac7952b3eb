/** What is a TCB version, and when is one at least another? Components, two layouts, a partial order. */
import { Fault } from "../../base/fault.ts";

/** Security patch levels by component. `fmc` exists on Turin and later only. */
export interface TcbVersion {
  readonly fmc?: number;
  readonly bootloader: number;
  readonly tee: number;
  readonly snp: number;
  readonly microcode: number;
}

/** Milan and Genoa (with Bergamo and Siena) share one layout; Turin has its own. */
export type TcbLayout = "classic" | "turin";

const TCB_COMPONENTS = ["fmc", "bootloader", "tee", "snp", "microcode"] as const;
export type TcbComponent = (typeof TCB_COMPONENTS)[number];

/** Which component each of the eight bytes holds; `undefined` is reserved and zero (AMD 56860, TCB_VERSION). */
const BYTES: Readonly<Record<TcbLayout, readonly (TcbComponent | undefined)[]>> = {
  classic: ["bootloader", "tee", undefined, undefined, undefined, undefined, "snp", "microcode"],
  turin: ["fmc", "bootloader", "tee", "snp", undefined, undefined, undefined, "microcode"],
};

/**
 * Reads a TCB_VERSION of eight bytes.
 *
 * @throws {@link Fault} `evidence/reserved-bits` where a byte that the layout reserves is set.
 */
export function parseTcb(bytes: Uint8Array, layout: TcbLayout): TcbVersion {
  const levels: Partial<Record<TcbComponent, number>> = {};
  for (const [at, component] of BYTES[layout].entries()) {
    const level = bytes[at] ?? 0;
    if (component !== undefined) levels[component] = level;
    else if (level !== 0) {
      throw new Fault(
        "evidence/reserved-bits",
        `expected zero in byte ${at} of a TCB version of ${layout} layout`,
        {
          at,
          received: level,
        },
      );
    }
  }
  const { fmc, bootloader = 0, tee = 0, snp = 0, microcode = 0 } = levels;
  return { ...(fmc === undefined ? {} : { fmc }), bootloader, tee, snp, microcode };
}

/** The eight bytes of a TCB version. */
export function encodeTcb(tcb: TcbVersion, layout: TcbLayout): Uint8Array {
  return Uint8Array.from(BYTES[layout], (component) => (component === undefined ? 0 : (tcb[component] ?? 0)));
}

/** Whether every component of `tcb` is at least that of `floor`: a partial order, never one integer. */
export function isAtLeast(tcb: TcbVersion, floor: TcbVersion): boolean {
  return TCB_COMPONENTS.every((component) => (tcb[component] ?? 0) >= (floor[component] ?? 0));
}

/** Whether both name the same components with the same levels. */
export function isSameTcb(a: TcbVersion, b: TcbVersion): boolean {
  return TCB_COMPONENTS.every((component) => a[component] === b[component]);
}

/** `fmc 1, bootloader 4, tee 0, snp 24, microcode 219`. */
export function formatTcb(tcb: TcbVersion): string {
  return TCB_COMPONENTS.flatMap((component) => {
    const level = tcb[component];
    return level === undefined ? [] : [`${component} ${level}`];
  }).join(", ");
}
