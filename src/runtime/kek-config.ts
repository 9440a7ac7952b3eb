/** Where does the configuration say that root key-encryption keys are? In files, credentials of systemd, variables, other brokers, or shares among people. */
import * as v from "valibot";
import { PEER, type PeerPlace, peerPlaceOf } from "./peer-config.ts";

export type KekPlace =
  /** 32 bytes that their owner alone can read; relative to the configuration. */
  | { readonly kind: "file"; readonly path: string }
  /** 32 bytes that systemd put below `$CREDENTIALS_DIRECTORY` under this name. */
  | { readonly kind: "credential"; readonly name: string }
  /** 64 hexadecimal digits in the environment variable of this name. */
  | { readonly kind: "environment"; readonly name: string }
  /** A secret of another broker's. */
  | PeerPlace
  /** Shares that people give once the broker runs; the id is that of the key they make, 32 hexadecimal digits. */
  | { readonly kind: "shares"; readonly id: string };

export interface KekConfig {
  /** What wraps. */
  readonly wraps: KekPlace;
  /** What opens beside it, during a change from one key to another. */
  readonly also: readonly KekPlace[];
}

const PLACE = {
  file: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(4096))),
  credential: v.optional(
    v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-][\w.-]{0,254}$/, "the name of a credential")),
  ),
  environment: v.optional(
    v.pipe(v.string(), v.regex(/^[A-Z_][A-Z0-9_]{0,254}$/, "the name of an environment variable")),
  ),
  peer: v.optional(PEER),
};

const SHARES = {
  shares: v.optional(
    v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, "the id that `ostiary kek split` printed")),
  ),
};

const ONE_PLACE = "one of `file`, `credential`, `environment`, `peer` and `shares`";
const ONE_BESIDE = "one of `file`, `credential`, `environment` and `peer`";

const ALSO = v.pipe(
  v.objectWithRest(PLACE, v.never("no such member")),
  v.check((read) => Object.keys(read).length === 1, ONE_BESIDE),
);

/** `[kek]`, in place of `files.kek`: one provider, and those that still open in `[[kek.also]]`. */
export const KEK = v.pipe(
  v.objectWithRest(
    { ...PLACE, ...SHARES, also: v.optional(v.pipe(v.array(ALSO), v.maxLength(4))) },
    v.never("no such member"),
  ),
  v.check((read) => Object.keys(read).filter((name) => name !== "also").length === 1, ONE_PLACE),
);

/** Exactly one place is there: the schema saw to it. */
export function kekConfigOf(path = "", read: v.InferOutput<typeof KEK> = {}): KekConfig {
  const { file = path, credential, environment, peer, shares, also = [] } = read;
  return {
    wraps: placeOf({ file, credential, environment, peer, shares }),
    also: also.map(({ file, credential, environment, peer }) =>
      placeOf({ file, credential, environment, peer }),
    ),
  };
}

interface NamedPlace {
  readonly file: string | undefined;
  readonly credential: string | undefined;
  readonly environment: string | undefined;
  readonly peer: v.InferOutput<typeof PEER> | undefined;
  readonly shares?: string | undefined;
}

function placeOf({ file = "", credential, environment, peer, shares }: NamedPlace): KekPlace {
  if (credential !== undefined) return { kind: "credential", name: credential };
  if (environment !== undefined) return { kind: "environment", name: environment };
  if (peer !== undefined) return peerPlaceOf(peer);
  return shares === undefined ? { kind: "file", path: file } : { kind: "shares", id: shares };
}
