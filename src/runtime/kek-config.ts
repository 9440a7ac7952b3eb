/** Where does the configuration say that root key-encryption keys are? In files, credentials, variables, tokens, TPMs, other brokers, or shares among people. */
import * as v from "valibot";
import { PEER, type PeerPlace, peerPlaceOf } from "./peer-config.ts";
import { parseTpmDevice } from "./tpm-device.ts";

export type KekPlace =
  /** 32 bytes that their owner alone can read; relative to the configuration. */
  | { readonly kind: "file"; readonly path: string }
  /** 32 bytes that systemd put below `$CREDENTIALS_DIRECTORY` under this name. */
  | { readonly kind: "credential"; readonly name: string }
  /** 64 hexadecimal digits in the environment variable of this name. */
  | { readonly kind: "environment"; readonly name: string }
  /** A key that stays in a token. */
  | ({ readonly kind: "pkcs11" } & TokenConfig)
  /** 32 bytes that a TPM alone opens, out of a file; relative to the configuration. */
  | { readonly kind: "tpm"; readonly device: string; readonly sealed: string }
  /** A secret of another broker's. */
  | PeerPlace
  /** Shares that people give once the broker runs; the id is that of the key they make, 32 hexadecimal digits. */
  | { readonly kind: "shares"; readonly id: string };

export interface TokenConfig {
  /** The library of the token's maker. */
  readonly module: string;
  readonly token: string;
  readonly key: string;
  readonly pin:
    | { readonly kind: "file"; readonly path: string }
    | { readonly kind: "credential" | "environment"; readonly name: string };
}

export interface KekConfig {
  /** What wraps. */
  readonly wraps: KekPlace;
  /** What opens beside it, during a change from one key to another. */
  readonly also: readonly KekPlace[];
}

const path = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));
const credential = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-][\w.-]{0,254}$/, "the name of a credential"));
const variable = v.pipe(
  v.string(),
  v.regex(/^[A-Z_][A-Z0-9_]{0,254}$/, "the name of an environment variable"),
);
/** CKA_LABEL of a token is 32 bytes, padded with spaces. */
const tokenLabel = v.pipe(v.string(), v.regex(/^[!-~](?:[ -~]{0,30}[!-~])?$/, "the label of a token"));
const keyLabel = v.pipe(v.string(), v.regex(/^[!-~](?:[ -~]{0,126}[!-~])?$/, "the label of a key"));

const PINS = ["pin_file", "pin_credential", "pin_environment"] as const;

const PKCS11 = v.pipe(
  v.objectWithRest(
    {
      module: v.pipe(v.string(), v.regex(/^\/\P{Cc}{1,4095}$/u, "the absolute path of a library")),
      token: tokenLabel,
      key: keyLabel,
      pin_file: v.optional(path),
      pin_credential: v.optional(credential),
      pin_environment: v.optional(variable),
    },
    v.never("no such member"),
  ),
  v.check(
    (read) => PINS.filter((name) => read[name] !== undefined).length === 1,
    "one of `pin_file`, `pin_credential` and `pin_environment`",
  ),
);

/** A device of the kernel; a socket of this machine is for emulators and proxies. */
export const TPM_DEVICE = v.pipe(
  v.string(),
  v.check(
    (text) => parseTpmDevice(text) !== undefined,
    "a device like /dev/tpmrm0, unix:/PATH, or tcp:127.0.0.1:PORT",
  ),
);

const TPM = v.objectWithRest({ device: TPM_DEVICE, sealed: path }, v.never("no such member"));

const PLACE = {
  file: v.optional(path),
  credential: v.optional(credential),
  environment: v.optional(variable),
  pkcs11: v.optional(PKCS11),
  tpm: v.optional(TPM),
  peer: v.optional(PEER),
};

const SHARES = {
  shares: v.optional(
    v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, "the id that `ostiary kek split` printed")),
  ),
};

const ONE_PLACE = "one of `file`, `credential`, `environment`, `pkcs11`, `tpm`, `peer` and `shares`";
const ONE_BESIDE = "one of `file`, `credential`, `environment`, `pkcs11`, `tpm` and `peer`";

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
  const { also = [] } = read;
  return { wraps: placeOf(read, path), also: also.map((place) => placeOf(place)) };
}

type Place = v.InferOutput<typeof ALSO> & Pick<v.InferOutput<typeof KEK>, "shares">;

function placeOf({ file, credential, environment, pkcs11, tpm, peer, shares }: Place, path = ""): KekPlace {
  if (credential !== undefined) return { kind: "credential", name: credential };
  if (environment !== undefined) return { kind: "environment", name: environment };
  if (pkcs11 !== undefined) return { kind: "pkcs11", ...tokenOf(pkcs11) };
  if (tpm !== undefined) return { kind: "tpm", device: tpm.device, sealed: tpm.sealed };
  if (peer !== undefined) return peerPlaceOf(peer);
  return shares === undefined ? { kind: "file", path: file ?? path } : { kind: "shares", id: shares };
}

function tokenOf(read: v.InferOutput<typeof PKCS11>): TokenConfig {
  const { module, token, key, pin_file: file, pin_credential: credential, pin_environment: name = "" } = read;
  const of = { module, token, key };
  if (file !== undefined) return { ...of, pin: { kind: "file", path: file } };
  if (credential !== undefined) return { ...of, pin: { kind: "credential", name: credential } };
  return { ...of, pin: { kind: "environment", name } };
}
