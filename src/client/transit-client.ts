/** How does a program in a guest use transit keys? By calls with plain arguments; tokens come and go by themselves. */
import { isFault } from "../base/fault.ts";
import type { TransitItem } from "../wire/transit.ts";
import type { Session } from "./session.ts";
import { type TransitDone, type TransitParts, type TransitPlace, useTransitKey } from "./transit.ts";
import { madeOf, textOf } from "./transit-made.ts";

/** Every call throws {@link Fault}: the broker's no, `transit/not-opened` among them; `channel/bad-release`; `broker/unreachable`. */
export interface TransitClient {
  /** Answers a text as `ostiary:v3:…`. `context` is authenticated and not kept: whoever decrypts has to know it. */
  readonly encrypt: (path: string, plaintext: Uint8Array, context?: Uint8Array) => Promise<string>;
  /** Plaintext: the caller overwrites it when done. */
  readonly decrypt: (path: string, text: string, context?: Uint8Array) => Promise<Uint8Array>;
  /** The same plaintext under the current version; it is seen by the broker alone. */
  readonly rewrap: (path: string, text: string, context?: Uint8Array) => Promise<string>;
  /** A fresh key of `size` bytes (32) and its wrapped form, which `decrypt` opens; the caller overwrites the key when done. */
  readonly dataKey: (
    path: string,
    plan?: DataKeyPlan,
  ) => Promise<{ readonly key: Uint8Array; readonly wrapped: string }>;
  readonly sign: (path: string, message: Uint8Array, padding?: "pss" | "pkcs1") => Promise<string>;
  readonly mac: (path: string, message: Uint8Array) => Promise<string>;
  /** Whether a signature or a MAC is one of that key over that message. */
  readonly verify: (path: string, signed: SignedMessage) => Promise<boolean>;
  /** Up to sixteen uses of one operation at once: one decision, all or none. */
  readonly use: (path: string, items: readonly TransitItem[]) => Promise<TransitDone>;
}

export interface DataKeyPlan {
  readonly size?: number;
  readonly context?: Uint8Array;
}

export interface SignedMessage {
  readonly message: Uint8Array;
  readonly made: string;
  /** Of RSA alone; PSS unless it is said. */
  readonly padding?: "pss" | "pkcs1";
}

const NONE = new Uint8Array(0);
const DATA_KEY_SIZE = 32;

/** Makes the client. It attests when it has no token, and once more where the broker takes the one it has no longer. */
export function createTransitClient(
  place: TransitPlace & { readonly session: Pick<Session, "attest"> },
  parts: TransitParts,
): TransitClient {
  const use = useWith(place, parts);
  const first = async (path: string, item: TransitItem): Promise<Uint8Array> =>
    (await use(path, [item])).results[0] ?? NONE;
  const text = async (path: string, item: TransitItem): Promise<string> => textOf(await first(path, item));
  return {
    use,
    encrypt: (path, plaintext, context = NONE) => text(path, { operation: "encrypt", plaintext, context }),
    decrypt: async (path, made, context = NONE) =>
      first(path, { operation: "decrypt", made: madeOf(made), context }),
    rewrap: async (path, made, context = NONE) =>
      text(path, { operation: "rewrap", made: madeOf(made), context }),
    dataKey: async (path, { size = DATA_KEY_SIZE, context = NONE } = {}) => {
      const item = { operation: "datakey", size, context, isWrappedOnly: false } as const;
      const [key = NONE, wrapped = NONE] = (await use(path, [item])).results;
      return { key, wrapped: textOf(wrapped) };
    },
    sign: (path, message, padding = "pss") => text(path, { operation: "sign", message, padding }),
    mac: (path, message) => text(path, { operation: "hmac", message }),
    verify: async (path, { message, made, padding = "pss" }) =>
      (await first(path, { operation: "verify", message, made: madeOf(made), padding }))[0] === 1,
  };
}

function useWith(
  place: TransitPlace & { readonly session: Pick<Session, "attest"> },
  parts: TransitParts,
): TransitClient["use"] {
  let held: string | undefined;
  const attested = async (): Promise<string> => {
    const { token } = await place.session.attest(place.key.jwk);
    held = token;
    return token;
  };
  return async (path, items) => {
    const token = held;
    if (token === undefined) return useTransitKey({ path, items, token: await attested() }, place, parts);
    try {
      return await useTransitKey({ path, items, token }, place, parts);
    } catch (thrown) {
      if (!isFault(thrown, "admin/unauthorized")) throw thrown; // what a 401 is read as: the token ran out
      return useTransitKey({ path, items, token: await attested() }, place, parts);
    }
  };
}
