/** How do a platform's parts become the broker's World? One composition, whichever platform brings them. */
import type { ChainMemo } from "../attestation/endorsement/memo.ts";
import type { ProviderTrust } from "../attestation/endorsement/provider-chain.ts";
import type { TrustAnchors } from "../attestation/endorsement/roots.ts";
import { type BundleMemory, createBundleCache } from "../broker/bundles.ts";
import type { CrlNumbers } from "../broker/crl-numbers.ts";
import { createEndorser } from "../broker/endorse.ts";
import { type LastActs, lastActs } from "../broker/last-acts.ts";
import { createNonceEpochs } from "../broker/nonce-epochs.ts";
import { createRefusalLog, type RefusalCount } from "../broker/refusals.ts";
import { createRosterCache, type RosterMemory } from "../broker/roster.ts";
import { createTokenKeyRing, type TokenKeyMaker } from "../broker/token-keys.ts";
import type { BrokerSettings, EndorsementSource, Trust, World } from "../broker/world.ts";
import type { Admin } from "../policy/admins.ts";
import type { BrokerConfig } from "./config.ts";
import { governanceOf } from "./governance-config.ts";

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
  /** How many processes share this broker's rates; one unless said. */
  readonly processes?: number;
  /** What outlives this World, where one is made for each request. */
  readonly memory?: {
    readonly bundle: BundleMemory;
    readonly roster: RosterMemory;
    readonly refusals: RefusalCount;
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
  } = parts;
  const { audience, tenant } = settings;
  const trust: Trust = { primitives, roots, providers, memo, lowestCrlNumber: crlNumbers.lowest };
  const sealed = { store, kek, primitives, now };
  const acts = (): Promise<LastActs> => lastActs({ store, primitives, settings, ledgerSigner });
  const roster = createRosterCache({ store, primitives, settings, lastActs: acts }, memory?.roster);
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
    roster,
    liveBundle: createBundleCache({ store, primitives, settings, roster, lastActs: acts }, memory?.bundle),
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
  };
}

/** What configuration decides about every exchange. @throws {@link Fault} `config/invalid`. */
export function settingsOf(
  config: BrokerConfig,
  about: { readonly externalUrl: string | undefined; readonly admins: readonly Admin[] },
): BrokerSettings {
  const { audience, tenant, region, environment, mode, suites, maxTokenSeconds } = config;
  const { externalUrl: issuer = audience, admins } = about;
  const governance = governanceOf(config.governance, admins);
  return { audience, issuer, maxTokenSeconds, tenant, region, environment, mode, suites, governance };
}
