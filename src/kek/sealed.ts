/** What is a root key that nobody has yet? It refuses every use, takes shares, and opens when enough of them make the named key. */
import { hexOf } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";
import { addSeconds, type Instant } from "../base/time.ts";
import { sealedFault } from "../broker/unseal.ts";
import type { Kek, Seal } from "../broker/world.ts";
import { zeroize } from "../keys/zeroize.ts";
import type { SealProgress } from "../wire/messages.ts";
import { type KekParts, kekOf, keyIdOf } from "./key.ts";
import { badShare, joinShares, parseShare, type Share } from "./shares.ts";

/** Shares that wait for others are forgotten after as long without a new one. */
export const SHARES_KEPT_SECONDS = 900;

export interface SealParts extends KekParts, Pick<Primitives, "digest"> {
  readonly now: () => Instant;
}

interface Collected {
  readonly shares: readonly Share[];
  readonly until: Instant;
}

/** @param id - Of the key that the shares have to make, 32 hexadecimal digits: what another set makes is never used. */
export function createSealedKek(id: string, parts: SealParts): { readonly kek: Kek; readonly seal: Seal } {
  const state: State = { collected: undefined, key: undefined, isOpen: false };
  let last: Promise<unknown> = Promise.resolve();
  const opened = (): Kek => {
    if (state.key === undefined) throw sealedFault();
    return state.key;
  };
  return {
    kek: {
      id: `file:${id}`,
      wrap: async (plaintext, aad) => opened().wrap(plaintext, aad),
      unwrap: async (wrapped, aad) => opened().unwrap(wrapped, aad),
    },
    seal: {
      progress: () => progressOf(state, parts),
      forget: () => forget(state),
      inTurn: (work) => {
        const turn = last.then(work);
        last = turn.catch(() => undefined);
        return turn;
      },
      give: async (text) => {
        const share = parseShare(text, parts);
        if (share.id !== id) throw badShare("expected a share of the root key that the configuration names");
        return take(share, state, parts);
      },
      open: () => {
        zeroizeShares(state);
        state.isOpen = true;
      },
    },
  };
}

interface State {
  collected: Collected | undefined;
  key: Kek | undefined;
  isOpen: boolean;
}

/** Joins them as soon as there are enough, and looks whether they make the key of that id. */
async function take(share: Share, state: State, parts: SealParts): Promise<boolean> {
  const shares = addedTo(known(state, parts), share);
  state.collected = { shares, until: addSeconds(parts.now(), SHARES_KEPT_SECONDS) };
  if (shares.length < share.threshold) return false;
  const joined = await joinShares(shares);
  if (hexOf(keyIdOf(joined, parts)) !== share.id) {
    zeroize(joined);
    forget(state);
    throw badShare("expected shares of one key, one of these is not what it says: give all of them anew");
  }
  state.key = kekOf(joined, parts);
  return true;
}

function progressOf(state: State, parts: SealParts): SealProgress {
  const shares = known(state, parts);
  const [first] = shares;
  const needed = first === undefined ? {} : { needed: first.threshold };
  return { isSealed: !state.isOpen, given: shares.length, ...needed };
}

/** Shares that waited too long are there no more. */
function known(state: State, parts: SealParts): readonly Share[] {
  if (state.collected !== undefined && parts.now() >= state.collected.until) forget(state);
  return state.collected?.shares ?? [];
}

function forget(state: State): void {
  if (state.isOpen) return;
  zeroizeShares(state);
  state.key = undefined;
}

function zeroizeShares(state: State): void {
  for (const { value } of state.collected?.shares ?? []) zeroize(value);
  state.collected = undefined;
}

/** The same share twice is one. */
function addedTo(shares: readonly Share[], share: Share): readonly Share[] {
  const [first = share] = shares;
  if (first.threshold !== share.threshold) throw badShare("expected a share of the same set as the others");
  const others = shares.filter(({ place }) => place !== share.place);
  if (others.length < shares.length) zeroize(share.value);
  return others.length < shares.length ? shares : [...shares, share];
}
