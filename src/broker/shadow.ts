/** Which bundle is in shadow? The newest order, with its signature and its bundle checked again at load. */
import { Fault, isFault } from "../base/fault.ts";
import { type Instant, instant } from "../base/time.ts";
import type { Bundle } from "../policy/bundle.ts";
import { parseShadow, SHADOW_TYPE, type ShadowStatement } from "../policy/order-statements.ts";
import { openDsse } from "../policy/signatures.ts";
import type { ShadowState } from "../wire/shadow.ts";
import { holdersOf, openBundle } from "./open-bundle.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import type { StoredShadowOrder } from "./shadow-store.ts";
import type { World } from "./world.ts";

type ShadowWorld = Pick<World, "store" | "primitives" | "settings" | "roster">;

/** A bundle that is shown every decision. */
export interface ActiveShadow {
  readonly order: number;
  readonly bundle: Bundle;
  readonly until: Instant | undefined;
}

/**
 * Puts a proposed bundle in shadow, or ends the shadow: from the next second on every decision is shown to it, and none is made by it.
 *
 * @throws {@link Fault} `policy/unknown`, `policy/bad-signature`, `policy/not-next` where the order is not the next one.
 */
export async function orderShadow(signature: string, actor: Actor, world: World): Promise<ShadowState> {
  const statement = await openOrder(signature, world);
  if (statement.digest !== null) await openedBundle(statement.digest, world);
  const newest = await world.store.shadowOrder();
  const { serial } = statement;
  const digest = statement.digest ?? "";
  const act = digest === "" ? "policy-shadow-stop" : "policy-shadow";
  const subject = `order ${serial}`;
  const entry = adminEntry({ act, subject, digest }, actor, world);
  const row = { serial, digest, signature, at: world.now(), by: actor.kid };
  const isNext = serial === (newest?.serial ?? 0) + 1;
  if (!isNext || !(await world.store.orderShadow(row, entry))) {
    const expected = `order ${(newest?.serial ?? 0) + 1} of a shadow`;
    throw new Fault("policy/not-next", `expected ${expected}, received ${serial}`, { received: serial });
  }
  return shadowState({ from: 1, limit: 0 }, world);
}

/** The order in force and what it brought to light; at most `limit` rows from `from` on. */
export async function shadowState(
  { from, limit }: { readonly from: number; readonly limit: number },
  world: World,
): Promise<ShadowState> {
  const [order, tail] = [await world.store.shadowOrder(), await world.store.shadowTail()];
  const rows = await world.store.shadowDifferences(from, limit);
  const told = { total: tail?.seq ?? 0, rows };
  if (order === undefined) return { ...told, serial: 0, isActive: false };
  const { serial, digest, at, by } = order;
  const differences = await world.store.countShadowDifferences(serial);
  const state = { ...told, serial, order: { digest, at, by, differences } };
  try {
    const active = await openShadow(order, world);
    const isActive = active !== undefined && !isPast(active, world.now());
    return { ...state, isActive, ...(active?.until === undefined ? {} : { until: active.until }) };
  } catch (thrown) {
    return { ...state, isActive: false, problem: isFault(thrown) ? thrown.code : "internal/invariant" };
  }
}

export function isPast({ until }: Pick<ActiveShadow, "until">, now: Instant): boolean {
  return until !== undefined && now >= until;
}

/**
 * Opens what an order names; nothing where it ends the shadow.
 *
 * @throws {@link Fault} `policy/bad-signature`, `policy/unknown`, `policy/malformed`.
 */
export async function openShadow(
  order: StoredShadowOrder,
  world: ShadowWorld,
): Promise<ActiveShadow | undefined> {
  const statement = await openOrder(order.signature, world);
  const { digest, serial, until } = statement;
  if (serial !== order.serial || (digest ?? "") !== order.digest) {
    throw new Fault(
      "policy/bad-signature",
      "expected an order of a shadow signed for this bundle and serial",
    );
  }
  if (digest === null) return undefined;
  const bundle = await openedBundle(digest, world);
  return { order: serial, bundle, until: until === null ? undefined : instant(until) };
}

async function openOrder(
  signature: string,
  { settings, primitives, roster }: Omit<ShadowWorld, "store">,
): Promise<ShadowStatement> {
  const keys = holdersOf((await roster()).now, "author", "operator");
  const expected = { payloadType: SHADOW_TYPE, keys };
  const statement = parseShadow((await openDsse(signature, expected, primitives)).payload);
  if (statement.audience === settings.audience) return statement;
  throw new Fault("policy/bad-signature", "expected an order of a shadow signed for this broker");
}

async function openedBundle(digest: string, world: ShadowWorld): Promise<Bundle> {
  const stored = await world.store.bundle(digest);
  if (stored === undefined) {
    throw new Fault("policy/unknown", `expected the digest of a known bundle, received \`${digest}\``);
  }
  const { now: roster } = await world.roster();
  const { primitives } = world;
  return (await openBundle(stored.tar, stored.signature, { digest, roster, primitives })).bundle;
}
