/** Which simulated roots do tests share? One per product line, its keys made once and kept in the system's temporary folder. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createChainMemo } from "../../src/attestation/endorsement/memo.ts";
import { NO_PROVIDERS } from "../../src/attestation/endorsement/provider-chain.ts";
import { simulatorRoots } from "../../src/attestation/endorsement/roots.ts";
import type { ProductLine } from "../../src/attestation/snp/product.ts";
import { instant } from "../../src/base/time.ts";
import type { EndorsementSource } from "../../src/broker/world.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import type { SimulatedRoot } from "../../src/simulator/amd-root.ts";
import { loadOrCreateRoot } from "../../src/simulator/chip-folder.ts";
import type { SimulatedChip } from "../../src/simulator/sp.ts";

/** 2026-06-01T00:00:00Z. */
export const SIMULATED_NOW = instant(1_780_272_000);

/** A folder for each product line, with the keys of its root. */
export const SIMULATED_ROOTS = join(tmpdir(), "ostiary-simulator-v1");

const roots = new Map<ProductLine, SimulatedRoot>();

export function simulatedRoot(product: ProductLine): SimulatedRoot {
  const known = roots.get(product) ?? loadOrCreateRoot(join(SIMULATED_ROOTS, product), product);
  roots.set(product, known);
  return known;
}

/** A key server that knows one chip and its root. */
export function simulatedSource(root: SimulatedRoot, chip: SimulatedChip): EndorsementSource {
  return {
    vcek: async () => (chip.kind === "vcek" ? chip.leaf : undefined),
    intermediates: async (_product, kind) => [kind === "vcek" ? root.ask : root.asvk, root.ark],
    crl: async () => root.crl({ thisUpdate: SIMULATED_NOW }),
  };
}

/** Options of a release that trusts the simulator's root of these products alone. */
export function simulatedTrust(...products: readonly ProductLine[]) {
  return {
    primitives: nodePrimitives,
    roots: simulatorRoots(
      products.map((product) => simulatedRoot(product).ark),
      nodePrimitives,
    ),
    memo: createChainMemo(256),
    providers: NO_PROVIDERS,
    now: SIMULATED_NOW,
    revocation: "required",
  } as const;
}
