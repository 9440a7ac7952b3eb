/** What does a fleet look like whose machines were not all patched on one day? Chips of one root at different firmware levels. */
import type { CpuId, ProductLine } from "../attestation/snp/product.ts";
import type { TcbVersion } from "../attestation/snp/tcb.ts";
import type { SimulatedRoot } from "./amd-root.ts";
import { type ChipPlan, createSimulatedChip, ORDINARY, type SimulatedChip } from "./sp.ts";

export interface FleetMachine {
  /** `genoa-behind`: product line and state. */
  readonly name: string;
  readonly state: FleetState;
  readonly chip: SimulatedChip;
}

/**
 * - `current`: at the ordinary level.
 * - `ahead`: every level above it.
 * - `behind`: microcode below it: an update was missed.
 * - `held-back`: patched, but the host reports an older level than it committed.
 * - `provisional`: newer firmware is loaded and not committed, so the host may go back.
 * - `masked`: the chip hides its id.
 * - `shared`: endorsed by a provider's VLEK.
 * - `sibling`: another silicon line of the same product line, whose microcode counts in a series of its own.
 */
export type FleetState = (typeof STATES)[number];

const STATES = [
  "current",
  "ahead",
  "behind",
  "held-back",
  "provisional",
  "masked",
  "shared",
  "sibling",
] as const;

const SIBLINGS: Readonly<Record<ProductLine, { readonly cpuid: CpuId; readonly microcode: number }>> = {
  milan: { cpuid: { family: 25, model: 1, stepping: 2 }, microcode: 68 },
  genoa: { cpuid: { family: 25, model: 0xa0, stepping: 2 }, microcode: 27 },
  turin: { cpuid: { family: 26, model: 0x11, stepping: 0 }, microcode: 75 },
};

/** One machine per state, each with a chip id and a key of its own. */
export function createSimulatedFleet(root: SimulatedRoot): readonly FleetMachine[] {
  return STATES.map((state, index) => ({
    name: `${root.product}-${state}`,
    state,
    chip: createSimulatedChip(root, {
      chipId: new Uint8Array(64).fill(0x10 + index),
      ...planOf(state, root.product),
    }),
  }));
}

function planOf(state: FleetState, product: ProductLine): ChipPlan {
  const { tcb } = ORDINARY[product];
  switch (state) {
    case "current":
      return {};
    case "ahead":
      return { tcb: moved(tcb, 1) };
    case "behind":
      return { tcb: { ...tcb, microcode: tcb.microcode - 2 } };
    case "held-back":
      return { tcb: { ...tcb, snp: tcb.snp - 2 }, usual: { committedTcb: tcb } };
    case "provisional":
      return { usual: { currentTcb: moved(tcb, 1) } };
    case "masked":
      return { usual: { fields: { chipId: new Uint8Array(64) } } };
    case "shared":
      return { kind: "vlek" };
    case "sibling": {
      const { cpuid, microcode } = SIBLINGS[product];
      return { cpuid, tcb: { ...tcb, microcode } };
    }
    default:
      return state satisfies never;
  }
}

/** Each level by so much; FMC, where it exists, stays. */
function moved(tcb: TcbVersion, by: number): TcbVersion {
  const { bootloader, tee, snp, microcode } = tcb;
  return { ...tcb, bootloader: bootloader + by, tee: tee + by, snp: snp + by, microcode: microcode + by };
}
