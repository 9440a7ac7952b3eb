/** What does the broker reach outside itself? The World: a record of functions, and the ports that edges implement. */
import type { Endorsements } from "../attestation/endorsement/chain.ts";
import type { ChainMemo } from "../attestation/endorsement/memo.ts";
import type { ProviderTrust } from "../attestation/endorsement/provider-chain.ts";
import type { TrustAnchors } from "../attestation/endorsement/roots.ts";
import type { Evidence } from "../attestation/evidence.ts";
import type { ProductLine } from "../attestation/snp/product.ts";
import type { TcbVersion } from "../attestation/snp/tcb.ts";
import type { Log } from "../base/log.ts";
import type { Primitives, Signer } from "../base/primitives.ts";
import type { Instant } from "../base/time.ts";
import type { NonceKeys } from "../channel/nonce.ts";
import type { ProofExchange } from "../channel/proof.ts";
import type { OfferedSuite } from "../channel/suites.ts";
import type { ChipIds } from "../keys/chip-ids.ts";
import type { Governance } from "../policy/admins.ts";
import type { AppraisalOutcome } from "../policy/appraise.ts";
import type { Bundle } from "../policy/bundle.ts";
import type { RosterHistory } from "../policy/roster.ts";
import type { BrokerProof, SealProgress } from "../wire/messages.ts";
import type { IdentityProviders } from "./identity.ts";
import type { Posture } from "./posture.ts";
import type { CommitOutcome, DecisionCommit, Refusal, Store } from "./store.ts";

/** Everything the broker reaches outside itself. Built once per process (Node) or request (Workers) by `runtime/`. */
export interface World {
  readonly now: () => Instant;
  /** Cryptographically secure random bytes. */
  readonly random: (size: number) => Uint8Array;
  readonly primitives: Primitives;
  readonly trust: Trust;
  readonly settings: BrokerSettings;
  readonly nonceKeys: () => Promise<NonceKeys>;
  /** From the evidence, else this broker's cache, else AMD's key server (`endorse.ts`). */
  readonly endorsementsFor: (evidence: Evidence, now: Instant) => Promise<Endorsements>;
  /** Whom that asks at last; absent where nobody is asked. */
  readonly source?: EndorsementSource;
  /** Remembers the number of a CRL that served, across restarts. */
  readonly keepCrlNumber: (product: ProductLine, number: bigint) => Promise<void>;
  readonly store: Store;
  /** `store.commitDecisions`, joined with the commits that arrive together (`group-commit.ts`). */
  readonly commit: (commit: DecisionCommit) => Promise<CommitOutcome>;
  /** The live bundle, its signatures checked and its sources compiled (`bundles.ts`). */
  readonly liveBundle: () => Promise<Bundle | undefined>;
  /** The admins, and how they came to be (`roster.ts`). */
  readonly roster: () => Promise<RosterHistory>;
  /** Who says who somebody is that signs in; absent where nobody is configured to. */
  readonly identity?: IdentityProviders;
  /** One line of the decision log, rate-capped (`refusals.ts`). */
  readonly logRefusal: (refusal: Refusal) => Promise<void>;
  readonly kek: Kek;
  /** There where the root key comes in shares (`unseal.ts`): until it is open, nothing else is served. */
  readonly seal?: Seal;
  /** Signs releases, sessions, and keys that secrets are sealed to: ECDSA P-256. */
  readonly signer: Signer;
  /** Keys that sign tokens: ECDSA P-256, used for nothing else. */
  readonly tokenKeys: TokenKeyRing;
  /** Signs ledger checkpoints: Ed25519. */
  readonly ledgerSigner: Signer;
  /** What remembers the log apart from the database; without any, an older database that was put back is not noticed. */
  readonly anchors?: readonly Anchor[];
  /** There where receipts are to carry the words of witnesses (`receipts.ts`); without it they carry those that are there. */
  readonly receiptWait?: ReceiptWait;
  /** What an admin is called in the log, where that is not to be their name (`ledger/pseudonym.ts`). */
  readonly pseudonym?: (name: string) => string;
  /** How ids of chips stand in what is kept, where they are not to stand there as they are (`keys/chip-ids.ts`). */
  readonly chipIds?: ChipIds;
  /** Proves this broker to a guest (`prover.ts`); absent outside a confidential VM: then a guest has a pinned key and no more. */
  readonly prove?: Prove;
  /** What looks after this broker; absent where nothing does. */
  readonly posture?: Posture;
  readonly meter: Meter;
  readonly log: Log;
  /** Ends once what waits on the event loop had its turn; without it, long work goes on at once. */
  readonly turn?: () => Promise<void>;
  /** Shows a decision that was committed to a bundle in shadow, later and without an answer (`shadowing.ts`). */
  readonly shadow?: Shadow;
}

/** Whom the verifier trusts, and what it remembers of certificates it has proven before. */
export interface Trust {
  readonly primitives: Primitives;
  readonly roots: TrustAnchors;
  readonly memo: ChainMemo;
  /** Who speaks for a cloud provider, by configuration. */
  readonly providers: ProviderTrust;
  /** The highest CRL number that a good CRL had; a lower one is refused (`crl-numbers.ts`). */
  readonly lowestCrlNumber: (product: ProductLine) => bigint | undefined;
}

/** What configuration decides about every exchange. */
export interface BrokerSettings {
  /** The broker's identity, compared byte for byte (PROTOCOL section 1). */
  readonly audience: string;
  /** `iss` of tokens: the URL under which relying parties find discovery document and keys. */
  readonly issuer: string;
  /** No token lives longer, whatever a policy says. */
  readonly maxTokenSeconds: number;
  /** How old evidence may be that something is renewed on, unless a policy says less; 0 for never without new evidence. */
  readonly maxEvidenceSeconds: number;
  readonly tenant: string;
  readonly region: string;
  readonly environment: string;
  readonly mode: "production" | "demo";
  /** How secrets may be sealed here, out of what this version can do. */
  readonly suites: readonly OfferedSuite[];
  /** The root of all trust in admins: configuration, never the database. */
  readonly governance: Governance;
  /** Where the page for security keys is, and the domain that they are made for; where it is left out, none comes in. */
  readonly webauthn?: { readonly origin: string; readonly rpId: string };
  /** For so many days nobody has a trace forgotten; for ever where it is absent. */
  readonly traceDays?: number;
  /** Whom policies may have notified, by name; nobody where it is left out. */
  readonly notifies?: readonly string[];
}

/** A key-encryption key, wherever it lives. It never sees why it is asked. */
export interface Kek {
  readonly id: string;
  /** Ids of further keys that `unwrap` opens for, while their envelopes are wrapped anew under this one. */
  readonly also?: readonly string[];
  /** AES-256-GCM-SIV or better; the AAD is authenticated, not stored. */
  readonly wrap: (plaintext: Uint8Array, aad: Uint8Array) => Promise<Uint8Array>;
  /** @throws `kek/wrong-key` when the AAD or the key is another, `kek/unavailable` when the key cannot be used. */
  readonly unwrap: (wrapped: Uint8Array, aad: Uint8Array) => Promise<Uint8Array>;
}

/** Something that remembers how far the log went, where whoever can change the database cannot. */
export interface Anchor {
  /** How an operator knows it, in the log and in sentences. */
  readonly name: string;
  /**
   * Asked at start, before anything is signed.
   *
   * @throws {@link Fault} `ledger/rolled-back` where the log lacks what this remembers, or has other entries in its place; whatever else
   *   keeps a broker from starting that is to ask it.
   */
  readonly check: (world: World) => Promise<void>;
  /** Remembers the newest head. Durable when it resolves; one that cannot be reached now is asked again at a later head. */
  readonly keep: (note: string, world: World) => Promise<void>;
  /** What it said last that others can check too: the head with its cosignature. */
  readonly said?: (world: World) => Promise<string | undefined>;
  /** The heads that it cosigned of late, newest first, each with its cosignature, which is good. */
  readonly cosigned?: (world: World) => Promise<readonly string[]>;
}

/** How long a receipt waits for witnesses, and for how many. */
export interface ReceiptWait {
  readonly witnesses: number;
  readonly mostMs: number;
  /** Milliseconds that never run backwards. */
  readonly milliseconds: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** How many requests wait now. */
  readonly waiting: { count: number };
}

/** One note, kept in a place. */
export interface HeadKeeper {
  /**
   * `undefined` where none was kept yet.
   *
   * @throws {@link Fault} where it cannot be asked; `ledger/rolled-back` where it knows without a head that the database is older.
   */
  readonly read: () => Promise<string | undefined>;
  /** Durable when it resolves; one that costs something takes heads more rarely than they are made. @throws {@link Fault}. */
  readonly keep: (note: string) => Promise<void>;
}

/** What keeps the root key from being used until enough people gave their shares of it. */
export interface Seal {
  readonly progress: () => SealProgress;
  /** Whether somebody said that the clock stood ahead before, and is right now. */
  readonly wasClockAhead?: boolean;
  /** Begins what takes a share once the ones before have ended. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  /**
   * Takes a share; one that is there already changes nothing. True once the key is complete: from then on the root key works.
   *
   * @throws {@link Fault} `kek/bad-share`; where what was joined is another key, all shares are forgotten.
   */
  readonly give: (share: string) => Promise<boolean>;
  /** Takes back what was given, unless it is open. */
  readonly forget: () => void;
  /** The database is the one of this key: from now on everything is served. */
  readonly open: () => void;
}

/** A key of the ring with its times. */
export interface TokenKey {
  readonly signer: Signer;
  readonly serial: number;
  readonly signsFrom: Instant;
  readonly createdAt: Instant;
  readonly createdBy: string;
}

export interface TokenKeys {
  readonly current: TokenKey;
  /** Oldest first: those whose tokens are good, the current one, and the one that is to follow it. */
  readonly published: readonly TokenKey[];
}

export interface TokenKeyRing {
  readonly keys: () => Promise<TokenKeys>;
  /**
   * Makes the next key. It signs in ten minutes; with `withdraws` at once, and all earlier keys count no more.
   *
   * @throws {@link Fault} `request/conflict` where a key waits for its turn already.
   */
  readonly rotate: (
    order: { readonly withdraws: boolean },
    actor: { readonly kid: string },
  ) => Promise<TokenKeys>;
}

/** Where endorsements come from when the evidence does not bring them: AMD's KDS, a mirror of it, or a folder. */
export interface EndorsementSource {
  /** The VCEK of a chip at a TCB, as DER; a VLEK cannot be fetched. `undefined` where the source says there is none. */
  readonly vcek: (
    product: ProductLine,
    chipId: Uint8Array,
    tcb: TcbVersion,
  ) => Promise<Uint8Array | undefined>;
  /** The intermediate (ASK or ASVK) and the ARK, as DER. */
  readonly intermediates: (product: ProductLine, kind: "vcek" | "vlek") => Promise<readonly Uint8Array[]>;
  /** The CRL of the product's ARK, as DER. */
  readonly crl: (product: ProductLine, kind: "vcek" | "vlek") => Promise<Uint8Array>;
}

/** Never throws, never waits. */
export type Shadow = (decision: SeenDecision) => void;

/** A decision as a bundle in shadow is shown it. */
export interface SeenDecision {
  readonly id: string;
  readonly at: Instant;
  readonly live: Bundle | undefined;
  readonly appraisals: readonly AppraisalOutcome[];
}

/** A proof for this exchange. @throws {@link Fault} `request/rate-limited` (fresh), `provider/unavailable`, `endorsement/…`. */
export type Prove = (exchange: ProofExchange, isFresh: boolean) => Promise<BrokerProof>;

/** Counts what happened, for `/metrics`. Label values come from closed sets only. */
export interface Meter {
  /** Counts one, or so many. */
  readonly count: (name: string, labels: Readonly<Record<string, string>>, by?: number) => void;
}
