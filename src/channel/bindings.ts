/** Which fields of the transcript does each role, binding and suite fill, and how long are they? The tables of PROTOCOL section 2. */
import type { FaultCode } from "../base/fault-codes.ts";

/** Who made the evidence: 1 the guest, 2 the broker. */
export type Role = 1 | 2;
/** 1 `ra-tls`, 2 `tls-exporter`, 3 `application`. */
export type Binding = 1 | 2 | 3;
/** What evidence was shown over: a binding, or the KBS exchange, which is none. */
export type ChannelId = 0 | Binding;
/** 0 no wrap key, 1 `hpke-x25519`, 2 `hpke-xwing`, 3 `jwe-p256`. */
export type Suite = 0 | 1 | 2 | 3;

/** Lengths a field may have, in bytes. */
type Lengths = readonly number[] | { readonly from: number; readonly to: number };

/** A field of bytes whose length hangs on role and binding. */
export type BoundField = "nonce" | "ownNonce" | "cb" | "attesterSpki" | "peerSpki" | "claimsHash";

const EMPTY: Lengths = [0];
const EXPORTER: Lengths = [32];
/** P-256 or P-384: the keys a guest's certificate may have. */
const GUEST_LEAF: Lengths = [91, 120];
const GUEST_LEAF_IF_SENT: Lengths = [0, 91, 120];
/** P-256. */
const SIGNING_KEY: Lengths = [91];
/** Any kind of key that web PKI certifies, within the cap of section 11. */
const BROKER_LEAF: Lengths = { from: 1, to: 65_536 };
const CLAIMS_HASH: Lengths = [0, 64];

type Row = Readonly<Record<BoundField, Lengths>>;

const GUEST = { nonce: [48], ownNonce: [32], claimsHash: CLAIMS_HASH } as const;
const BROKER = { nonce: [0, 32], ownNonce: [32], claimsHash: CLAIMS_HASH } as const;

const ROWS: Readonly<Record<Role, Readonly<Record<Binding, Row>>>> = {
  1: {
    1: { ...GUEST, cb: EMPTY, attesterSpki: GUEST_LEAF, peerSpki: BROKER_LEAF },
    2: { ...GUEST, cb: EXPORTER, attesterSpki: GUEST_LEAF_IF_SENT, peerSpki: BROKER_LEAF },
    3: { ...GUEST, cb: EMPTY, attesterSpki: EMPTY, peerSpki: SIGNING_KEY },
  },
  2: {
    1: { ...BROKER, cb: EMPTY, attesterSpki: BROKER_LEAF, peerSpki: EMPTY },
    2: { ...BROKER, cb: EXPORTER, attesterSpki: BROKER_LEAF, peerSpki: GUEST_LEAF_IF_SENT },
    3: { ...BROKER, cb: EMPTY, attesterSpki: EMPTY, peerSpki: EMPTY },
  },
};

const WRAP_PUB_SIZE: Readonly<Record<Suite, number>> = { 0: 0, 1: 32, 2: 1216, 3: 65 };

/** What a wrong length means: what the peer chose is the peer's mistake, what we saw or configured is ours. */
export const CODE_OF_FIELD: Readonly<Record<BoundField | "wrapPub", FaultCode>> = {
  nonce: "request/malformed",
  ownNonce: "request/malformed",
  claimsHash: "request/malformed",
  wrapPub: "request/malformed",
  attesterSpki: "channel/bad-carrier",
  peerSpki: "internal/invariant",
  cb: "internal/invariant",
};

/** Whether the field may have this many bytes under this role and binding. */
export function isLengthOf(
  field: BoundField,
  length: number,
  row: { role: Role; binding: Binding },
): boolean {
  const lengths = ROWS[row.role][row.binding][field];
  return "from" in lengths ? length >= lengths.from && length <= lengths.to : lengths.includes(length);
}

/** How many bytes the one-use public key has; `undefined` where the role has no such suite: only a broker may have none. */
export function wrapPubSizeOf(role: Role, suite: Suite): number | undefined {
  return role === 1 && suite === 0 ? undefined : WRAP_PUB_SIZE[suite];
}
