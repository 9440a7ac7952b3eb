/** How are secrets read without a report for each? By a token; and with a report of their own where the broker wants to see one. */
import type { RunAtBroker } from "../client/at-broker.ts";
import { mayWantEvidence } from "../client/renew.ts";
import type { Fetched } from "../client/session.ts";
import type { TokenHolder, TokenPlace } from "./held-token.ts";
import { questionOf, type SecretItem } from "./read-queue.ts";

export interface RenewedReadsParts {
  readonly run: RunAtBroker;
  readonly tokens: Pick<TokenHolder, "run" | "noteReattest">;
  /** Reads by the token of the place. */
  readonly renew: (want: readonly SecretItem[], place: TokenPlace) => Promise<Fetched>;
  readonly milliseconds: () => number;
}

/** Reads all of it or nothing. @throws {@link Fault} the broker's no, which is one over new evidence where a single secret is asked for. */
export type ReadSecrets = (want: readonly SecretItem[]) => Promise<Fetched>;

/** A policy may change: after this, what wanted new evidence is tried without again. */
const REMEMBERED_MS = 600_000;
const MAX_REMEMBERED = 256;

/** The name under which it is remembered that no token is given; no question has it. */
const ANY = " ";

export function createRenewedReads(parts: RenewedReadsParts): ReadSecrets {
  const memory = createMemory(parts.milliseconds);
  const released: ReadSecrets = (want) => parts.run(({ session }) => session.release(want));
  return async (want) => {
    const names = want.map(questionOf);
    if (memory.hasOneOf([ANY, ...names])) return released(want);
    const told = await renewed(want, parts);
    if (told.kind === "renewed") return told.fetched;
    if (told.kind === "no-token") memory.put(ANY);
    const fetched = await released(want);
    if (told.kind === "refused") memory.put(...names);
    return fetched;
  };
}

type Told =
  | { readonly kind: "renewed"; readonly fetched: Fetched }
  /** What is left is to show new evidence: for these secrets, or since this guest gets no token at all. */
  | { readonly kind: "refused" | "no-token" };

async function renewed(want: readonly SecretItem[], { tokens, renew }: RenewedReadsParts): Promise<Told> {
  let hasToken = false;
  try {
    const fetched = await tokens.run((place) => {
      hasToken = true;
      return renew(want, place);
    });
    for (const { reattestSeconds } of fetched.secrets) {
      if (reattestSeconds !== undefined) tokens.noteReattest(reattestSeconds);
    }
    return { kind: "renewed", fetched };
  } catch (thrown) {
    if (!mayWantEvidence(thrown)) throw thrown;
    if (hasToken && want.length > 1) throw thrown; // which of them was meant, a question of its own says
    return { kind: hasToken ? "refused" : "no-token" };
  }
}

function createMemory(milliseconds: () => number) {
  const until = new Map<string, number>();
  return {
    hasOneOf: (names: readonly string[]): boolean =>
      names.some((name) => milliseconds() < (until.get(name) ?? 0)),
    put: (...names: readonly string[]): void => {
      for (const name of names) {
        const [oldest] = until.keys();
        if (until.size >= MAX_REMEMBERED && oldest !== undefined) until.delete(oldest);
        until.set(name, milliseconds() + REMEMBERED_MS);
      }
    },
  };
}
