/** CoRIMs of our own making, so that one thing in them can be another. */
import { parseHex } from "../../src/base/bytes.ts";
import { instant } from "../../src/base/time.ts";
import { type Cbor, encodeCbor, mapOf } from "../../src/reference/cbor.ts";
import type { CorimTrust } from "../../src/reference/corim.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";

/** 2026-12-01, within the dates of everything here. */
export const NOW = instant(1_796_083_200);
export const DIGEST = new Uint8Array(48).fill(0x11);
export const BY_CHIP: Cbor = { tag: 111, value: parseHex("2b060104019c780301") ?? new Uint8Array(0) };
const PROFILE: Cbor = { tag: 32, value: "tag:amd.com,2024:snp-corim-profile" };

export function trusting(keys: CorimTrust["keys"], now = NOW): CorimTrust {
  return { keys, now, primitives: nodePrimitives };
}

export interface Plan {
  readonly environment?: Cbor;
  readonly measurements?: readonly Cbor[];
  readonly triples?: Cbor;
  readonly tagId?: Cbor;
  readonly comid?: readonly (readonly [number, Cbor])[];
  readonly corim?: readonly (readonly [number, Cbor | undefined])[];
  readonly tags?: readonly Cbor[];
}

/** A measurement: its number, and the members of its values. */
export function measured(key: number | Cbor, ...values: readonly (readonly [number, Cbor])[]): Cbor {
  return mapOf([0, typeof key === "number" ? BigInt(key) : key], [1, mapOf(...values)]);
}

export function launch(digest = DIGEST): Cbor {
  return measured(641, [2, [[7n, digest]]]);
}

export function environment(...others: readonly (readonly [number, Cbor])[]): Cbor {
  return mapOf([0, mapOf([0, BY_CHIP])], ...others);
}

export function ofModel(model: string): Cbor {
  return mapOf([0, mapOf([0, BY_CHIP], [2, model])]);
}

export function triple(measurements: readonly Cbor[], where: Cbor = environment()): Cbor {
  return [where, measurements];
}

export function corimItem(plan: Plan = {}): Cbor {
  const triples = plan.triples ?? [triple(plan.measurements ?? [launch()], plan.environment)];
  const comid = mapOf([1, mapOf([0, plan.tagId ?? "tag"])], [4, mapOf([0, triples])], ...(plan.comid ?? []));
  const others = new Set(plan.corim?.map(([field]) => field));
  return {
    tag: 501,
    value: mapOf(
      [0, "made"],
      [1, plan.tags ?? [{ tag: 506, value: encodeCbor(comid) }]],
      [3, others.has(3) ? undefined : PROFILE],
      ...(plan.corim ?? []),
    ),
  };
}

export function corimBytes(plan: Plan = {}): Uint8Array {
  return encodeCbor(corimItem(plan));
}

/** How a message is signed that is to be refused, or not. */
export interface SignPlan extends Plan {
  readonly context?: string;
  readonly external?: Uint8Array;
  readonly algorithm?: bigint;
  readonly contentType?: string;
  readonly open?: Cbor;
  readonly payload?: Uint8Array | null;
}

/** A CoRIM under tag 18 with these protected headers beside `alg` and the content type, signed by a key of Ed25519. */
export async function signedWith(
  { pkcs8 }: { readonly pkcs8: Uint8Array },
  headers: readonly (readonly [number, Cbor])[],
  plan: SignPlan = {},
): Promise<Uint8Array> {
  const { context = "Signature1", external = new Uint8Array(0), algorithm = -8n, open = mapOf() } = plan;
  const head = encodeCbor(mapOf([1, algorithm], [3, plan.contentType ?? "application/rim+cbor"], ...headers));
  const payload = plan.payload === undefined ? corimBytes(plan) : plan.payload;
  const signed = encodeCbor([context, head, external, payload ?? corimBytes(plan)]);
  const signature = await nodePrimitives.sign("ed25519", pkcs8, signed);
  return encodeCbor({ tag: 18, value: [head, open, payload, signature ?? null] });
}
