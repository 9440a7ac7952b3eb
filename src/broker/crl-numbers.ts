/** Which CRL is the newest that was ever seen? Its number per product line, kept across restarts: a lower one is refused. */
import type { ProductLine } from "../attestation/snp/product.ts";
import type { Store } from "./store.ts";

export interface CrlNumbers {
  readonly lowest: (product: ProductLine) => bigint | undefined;
  readonly keep: (product: ProductLine, number: bigint) => Promise<void>;
}

const PRODUCTS: readonly ProductLine[] = ["milan", "genoa", "turin"];
const DIGITS = /^\d{1,50}$/;

/** The highest number of each product line that was seen. */
export type KnownCrlNumbers = Map<ProductLine, bigint>;

/** Reads what is known; the rest is memory, written through when a higher number comes. */
export async function loadCrlNumbers(store: Pick<Store, "meta" | "putMeta">): Promise<CrlNumbers> {
  return createCrlNumbers(store, await knownCrlNumbers(store));
}

export async function knownCrlNumbers(store: Pick<Store, "meta">): Promise<KnownCrlNumbers> {
  const known: KnownCrlNumbers = new Map();
  for (const product of PRODUCTS) {
    const text = await store.meta(nameOf(product)); // in order: three, once
    if (text !== undefined && DIGITS.test(text)) known.set(product, BigInt(text));
  }
  return known;
}

/** @param known - Grows with each higher number. */
export function createCrlNumbers(store: Pick<Store, "meta" | "putMeta">, known: KnownCrlNumbers): CrlNumbers {
  return {
    lowest: (product) => known.get(product),
    keep: async (product, number) => {
      if (number <= (known.get(product) ?? -1n)) return;
      known.set(product, number);
      for (;;) {
        const kept = await store.meta(nameOf(product)); // in order: another broker may have written in between
        if (kept !== undefined && DIGITS.test(kept) && BigInt(kept) >= number) return;
        if (await store.putMeta(nameOf(product), kept, String(number))) return;
      }
    },
  };
}

function nameOf(product: ProductLine): string {
  return `crl-number/${product}`;
}
