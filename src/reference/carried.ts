/** What comes over into Writ of what others say? Sets, floors and conditions, and in words all that does not. */
import type { ProductLine } from "../attestation/snp/product.ts";
import type { TcbVersion } from "../attestation/snp/tcb.ts";
import type { TcbName } from "./snp-profile.ts";

export interface Carried {
  readonly sets: readonly CarriedSet[];
  readonly floors: readonly CarriedFloor[];
  /** Conditions of Writ that everything in the sets goes with. */
  readonly conditions: readonly string[];
  /** What was left out, or means less here than there. */
  readonly notes: readonly string[];
}

export interface CarriedSet {
  readonly field: string;
  /** Behind the name that the author chose. */
  readonly suffix: string;
  readonly entries: readonly CarriedEntry[];
}

export interface CarriedEntry {
  readonly label: string;
  /** Lower-case hex. */
  readonly value: string;
  readonly version?: string;
  readonly vcpus?: number;
  /** The part of its file that it stands in. */
  readonly tag?: string;
}

export interface CarriedFloor {
  readonly tcb: TcbName;
  readonly rows: ReadonlyMap<ProductLine, TcbVersion>;
}

/** A name of somebody else's; a line that holds several, with hashes, is longer. */
const MAX_NAME = 100;
const MAX_LINE = 1_000;

/**
 * A name of somebody else's, fit for a label, a comment and a terminal: nothing that ends a line or turns it round, and not long.
 * What would is `?`.
 */
export function plainName(text: string): string {
  return shortened(text, MAX_NAME);
}

/** The same for a line. */
export function plainLine(text: string): string {
  return shortened(text, MAX_LINE);
}

function shortened(text: string, most: number): string {
  const plain = text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
  return plain.length <= most ? plain : `${plain.slice(0, most - 1)}…`.toWellFormed();
}

/** The number of processors that a label ends with, as WRIT section 7 has labels: `base 2026.11.0 / 4 vcpu`. */
export function vcpusOf(label: string): number | undefined {
  const [, digits] = / \/ ([1-9]\d{0,4}) vcpu(?:,|$)/.exec(label) ?? [];
  const count = Number(digits ?? 0);
  return count > 0 && count <= 0xffff ? count : undefined;
}
