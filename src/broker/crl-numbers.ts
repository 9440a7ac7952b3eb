/** Which CRL is the newest that was ever seen? Its number per product line, kept across restarts: a lower one is refused. */
import type { ProductLine } from "../attestation/snp/product.ts";
import { Fault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import type { Store } from "./store.ts";

export interface CrlNumbers {
  readonly lowest: (product: ProductLine) => bigint | undefined;
  /** @throws {@link Fault} `endorsement/crl-invalid` where another process or broker saw a higher number. */
  readonly keep: (product: ProductLine, number: bigint) => Promise<void>;
}

const PRODUCTS: readonly ProductLine[] = ["milan", "genoa", "turin"];
const DIGITS = /^\d{1,50}$/;

/** What others saw is looked for when the view is older; they share the database, and no memory. */
const VIEW_SECONDS = 1;

/** The highest number of each product line that was seen. */
export type KnownCrlNumbers = Map<ProductLine, bigint>;

type NumberStore = Pick<Store, "meta" | "putMeta">;

/** Reads what is known; the rest is memory, written through when a higher number comes. */
export async function loadCrlNumbers(store: NumberStore, now: () => Instant): Promise<CrlNumbers> {
  return createCrlNumbers(store, await knownCrlNumbers(store), now);
}

export async function knownCrlNumbers(store: Pick<Store, "meta">): Promise<KnownCrlNumbers> {
  const known: KnownCrlNumbers = new Map();
  for (const product of PRODUCTS) await learn(store, known, product); // in order: three, once
  return known;
}

/** @param known - Grows with each higher number. */
export function createCrlNumbers(store: NumberStore, known: KnownCrlNumbers, now: () => Instant): CrlNumbers {
  const seenUntil = new Map<ProductLine, number>();
  const look = async (product: ProductLine): Promise<void> => {
    const at = now();
    if (at < (seenUntil.get(product) ?? 0)) return;
    await learn(store, known, product);
    seenUntil.set(product, at + VIEW_SECONDS);
  };
  return {
    lowest: (product) => known.get(product),
    keep: async (product, number) => {
      await look(product);
      refuseLower(number, known.get(product));
      if (number === known.get(product)) return;
      known.set(product, number);
      for (;;) {
        const kept = await store.meta(nameOf(product)); // in order: another broker may have written in between
        if (kept !== undefined && DIGITS.test(kept) && BigInt(kept) >= number) return;
        if (await store.putMeta(nameOf(product), kept, String(number))) return;
      }
    },
  };
}

function refuseLower(number: bigint, lowest: bigint | undefined): void {
  if (lowest === undefined || number >= lowest) return;
  throw new Fault("endorsement/crl-invalid", `expected CRL number ${lowest} or later, received ${number}`);
}

async function learn(
  store: Pick<Store, "meta">,
  known: KnownCrlNumbers,
  product: ProductLine,
): Promise<void> {
  const text = await store.meta(nameOf(product));
  if (text === undefined || !DIGITS.test(text)) return;
  if (BigInt(text) > (known.get(product) ?? -1n)) known.set(product, BigInt(text));
}

function nameOf(product: ProductLine): string {
  return `crl-number/${product}`;
}
