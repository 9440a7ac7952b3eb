/** Is this volume ours? A MAC by a key of the broker's over all of its header: that it opens proves nothing. */
import { base64UrlOf, equalBytes, hexOf, parseBase64Url } from "../../base/bytes.ts";
import { canonicalJsonBytes } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { deriveKey } from "../../keys/derive.ts";
import type { LuksHeader } from "./header.ts";
import type { MarkerToken } from "./metadata.ts";

type Mac = Pick<Primitives, "hmac" | "digest">;

/** A header with the bytes of its key slots, by their numbers: all of a volume but its data. */
export interface VolumeHead {
  readonly header: LuksHeader;
  readonly areas: Readonly<Record<string, Uint8Array>>;
}

/** What a marker says beside its MAC. */
export type MarkerFacts = Pick<MarkerToken, "secret" | "version" | "epoch" | "state">;

/** Which version of a secret opens which key slot. The owner overwrites `secret`. */
export interface SlotKey {
  readonly slot: string;
  readonly version: number;
  readonly secret: Uint8Array;
}

/** A MAC under a key that can be guessed would be a way to guess it, without the key slot's iterations. */
const LEAST_SECRET_BYTES = 32;

/** @throws {@link Fault} `disk/short-key`. */
export function refuseShort(secret: Uint8Array): void {
  if (secret.length >= LEAST_SECRET_BYTES) return;
  throw new Fault(
    "disk/short-key",
    `expected a secret of ${LEAST_SECRET_BYTES} bytes or more, received ${secret.length}`,
  );
}

/**
 * The same volume with markers, one for each key, and no others.
 *
 * @throws {@link Fault} `disk/short-key`.
 */
export function withMarkers(
  head: VolumeHead,
  facts: Omit<MarkerFacts, "version">,
  { keys, primitives }: { readonly keys: readonly SlotKey[]; readonly primitives: Mac },
): VolumeHead {
  const { secret: path, epoch, state } = facts;
  const unsigned = keys.map(
    ({ slot, version }): MarkerToken => ({
      type: "x-ostiary",
      keyslots: [slot],
      marker: 1,
      secret: path,
      version,
      epoch,
      state,
      mac: NO_MAC,
    }),
  );
  const bytes = provenBytes(withTokens(head, unsigned), primitives);
  const signed = unsigned.map((token, at) => {
    const secret = keys[at]?.secret ?? new Uint8Array(0);
    return { ...token, mac: base64UrlOf(macOf(secret, bytes, primitives)) };
  });
  return withTokens(head, signed);
}

/**
 * Says no to a volume that the holder of this secret did not mark as it is.
 *
 * @param token - One of the volume's own.
 * @throws {@link Fault} `disk/forged`, `disk/short-key`.
 */
export function verifyMarker(
  head: VolumeHead,
  token: MarkerToken,
  parts: { readonly secret: Uint8Array; readonly primitives: Mac },
): void {
  const blank = Object.values(head.header.metadata.tokens).map((one) => ({ ...one, mac: NO_MAC }));
  const bytes = provenBytes(withTokens(head, blank), parts.primitives);
  const mac = macOf(parts.secret, bytes, parts.primitives);
  if (equalBytes(mac, parseBase64Url(token.mac) ?? new Uint8Array(0))) return;
  throw new Fault(
    "disk/forged",
    "expected the volume's marker to be made with the released secret, over this header",
  );
}

const NO_MAC = "";

/** Tokens are numbered as their key slots are. */
function withTokens(head: VolumeHead, tokens: readonly MarkerToken[]): VolumeHead {
  const { header } = head;
  const numbered = Object.fromEntries(tokens.map((token) => [token.keyslots[0], token]));
  return { ...head, header: { ...header, metadata: { ...header.metadata, tokens: numbered } } };
}

/** The bytes under the MAC: RFC 8785 JSON of all that the header says, MACs empty, and of the key slots' digests. */
function provenBytes({ header, areas }: VolumeHead, { digest }: Pick<Primitives, "digest">): Uint8Array {
  const { size, seqid, label, subsystem, uuid, metadata } = header;
  const digests = Object.entries(areas).map(([slot, bytes]) => [slot, hexOf(digest("sha256", bytes))]);
  return canonicalJsonBytes({
    areas: Object.fromEntries(digests),
    label,
    metadata,
    seqid: String(seqid),
    size,
    subsystem,
    uuid,
  });
}

function macOf(secret: Uint8Array, bytes: Uint8Array, primitives: Mac): Uint8Array {
  refuseShort(secret);
  const key = deriveKey(primitives, "diskMarker", secret);
  try {
    return primitives.hmac("sha256", key, bytes);
  } finally {
    key.fill(0);
  }
}
