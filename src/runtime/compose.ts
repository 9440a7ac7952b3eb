/** How do a platform's parts become the broker's World? One composition, whichever platform brings them. */
import type { ChainMemo } from "../attestation/endorsement/memo.ts";
import type { ProviderTrust } from "../attestation/endorsement/provider-chain.ts";
import type { TrustAnchors } from "../attestation/endorsement/roots.ts";
import { type BundleMemory, createBundleCache } from "../broker/bundles.ts";
import type { CrlNumbers } from "../broker/crl-numbers.ts";
import { createEndorser } from "../broker/endorse.ts";
import { createNonceEpochs } from "../broker/nonce-epochs.ts";
import { createRefusalLog, type RefusalCount } from "../broker/refusals.ts";
import { createShadowing, type ShadowMemory } from "../broker/shadowing.ts";
import { createTokenKeyRing, type TokenKeyMaker } from "../broker/token-keys.ts";
import type { AdminKey, BrokerSettings, EndorsementSource, Trust, World } from "../broker/world.ts";
import type { BrokerConfig } from "./config.ts";

type Given =
  | "now"
  | "random"
  | "primitives"
  | "settings"
  | "store"
  | "commit"
  | "kek"
  | "signer"
  | "ledgerSigner"
  | "meter"
  | "log";

/** What a platform brings: most of a World as it stands, and what the rest is made of. */
export interface Parts extends Pick<World, Given> {
  readonly roots: TrustAnchors;
  readonly providers: ProviderTrust;
  readonly memo: ChainMemo;
  readonly crlNumbers: CrlNumbers;
  readonly source: EndorsementSource;
  readonly tokenKeyMaker: TokenKeyMaker;
  readonly nonceLifetimeSeconds: number;
  /** Begins work that no request waits for. */
  readonly later: (work: () => Promise<void>) => void;
  readonly turn?: () => Promise<void>;
  /** How many processes share this broker's rates; one unless said. */
  readonly processes?: number;
  /** What outlives this World, where one is made for each request. */
  readonly memory?: {
    readonly bundle: BundleMemory;
    readonly refusals: RefusalCount;
    readonly shadow: ShadowMemory;
  };
}

export function composeWorld(parts: Parts): World {
  const { now, random, primitives, settings, store, commit, kek, signer, ledgerSigner, meter, log } = parts;
  const {
    roots,
    providers,
    memo,
    crlNumbers,
    source,
    tokenKeyMaker: maker,
    nonceLifetimeSeconds,
    processes = 1,
    memory,
    later,
    turn,
  } = parts;
  const { audience, tenant } = settings;
  const trust: Trust = { primitives, roots, providers, memo, lowestCrlNumber: crlNumbers.lowest };
  const sealed = { store, kek, primitives, now };
  return {
    now,
    random,
    primitives,
    trust,
    settings,
    nonceKeys: createNonceEpochs({
      ...sealed,
      random,
      audience,
      tenant,
      lifetimeSeconds: nonceLifetimeSeconds,
    }),
    endorsementsFor: createEndorser({ store, source, trust, log }),
    keepCrlNumber: crlNumbers.keep,
    store,
    commit,
    liveBundle: createBundleCache({ store, primitives, settings }, memory?.bundle),
    logRefusal: createRefusalLog(store, log, {
      processes,
      ...(memory === undefined ? {} : { seen: memory.refusals }),
    }),
    kek,
    tokenKeys: createTokenKeyRing({ ...sealed, maker }),
    signer,
    ledgerSigner,
    meter,
    log,
    ...(turn === undefined ? {} : { turn }),
    shadow: createShadowing({
      ...{ store, primitives, settings, meter, log, now, later },
      ...(turn === undefined ? {} : { turn }),
      ...(memory === undefined ? {} : { memory: memory.shadow }),
    }),
  };
}

/** What configuration decides about every exchange. */
export function settingsOf(
  config: BrokerConfig,
  about: { readonly externalUrl: string | undefined; readonly adminKeys: readonly AdminKey[] },
): BrokerSettings {
  const { audience, tenant, region, environment, mode, suites, maxTokenSeconds } = config;
  const { externalUrl: issuer = audience, adminKeys } = about;
  return { audience, issuer, maxTokenSeconds, tenant, region, environment, mode, suites, adminKeys };
}
