/** How do a platform's parts become the broker's World? One composition, whichever platform brings them. */
import type { ChainMemo } from "../attestation/endorsement/memo.ts";
import type { ProviderTrust } from "../attestation/endorsement/provider-chain.ts";
import type { TrustAnchors } from "../attestation/endorsement/roots.ts";
import { Fault } from "../base/fault.ts";
import { type BundleMemory, createBundleCache } from "../broker/bundles.ts";
import type { CrlNumbers } from "../broker/crl-numbers.ts";
import { createEndorser } from "../broker/endorse.ts";
import { type LastActs, lastActs } from "../broker/last-acts.ts";
import { createNonceEpochs } from "../broker/nonce-epochs.ts";
import { createPatientSource } from "../broker/patient-source.ts";
import type { Posture } from "../broker/posture.ts";
import { createRefusalLog, type RefusalCount } from "../broker/refusals.ts";
import { createRosterCache, type RosterMemory } from "../broker/roster.ts";
import { createShadowing, type ShadowMemory } from "../broker/shadowing.ts";
import { createTokenKeyRing, type TokenKeyMaker } from "../broker/token-keys.ts";
import type { BrokerSettings, EndorsementSource, Trust, World } from "../broker/world.ts";
import { NO_SOURCE } from "../kds/no-source.ts";
import type { Admin } from "../policy/admins.ts";
import type { InventoryPorts } from "../posture/credentials/ports.ts";
import { createPosture, type PosturePorts } from "../posture/posture.ts";
import type { BrokerConfig } from "./config.ts";
import { type FindingsConfig, ownerOf } from "./findings-config.ts";
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
  readonly pseudonym?: World["pseudonym"] | undefined;
  readonly identity?: World["identity"] | undefined;
  readonly chipIds?: World["chipIds"] | undefined;
  readonly findings: FindingsConfig;
  /** Certificates that this platform has in files. */
  readonly certificateFiles: InventoryPorts["files"];
  /** Sources that are declared to be what is live, where this platform has any. */
  readonly declared?: PosturePorts["declared"];
  /** Begins work that no request waits for. */
  readonly later: (work: () => Promise<void>) => void;
  readonly turn?: () => Promise<void>;
  /** How many processes share this broker's rates; one unless said. */
  readonly processes?: number;
  /** What outlives this World, where one is made for each request. */
  readonly memory?: {
    readonly bundle: BundleMemory;
    readonly roster: RosterMemory;
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
  } = parts;
  const { audience, tenant } = settings;
  const trust: Trust = { primitives, roots, providers, memo, lowestCrlNumber: crlNumbers.lowest };
  const sealed = { store, kek, primitives, now };
  const named = namesOf(parts);
  const { roster, liveBundle } = governedBy(parts);
  const tokenKeys = createTokenKeyRing({ ...sealed, ...named, maker });
  const patient = createPatientSource({ source, store, now });
  const posture = postureOf(parts, { tokenKeys, liveBundle, roster });
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
    endorsementsFor: createEndorser({ store, source: patient, trust, log }),
    ...(source === NO_SOURCE ? {} : { source: patient }),
    keepCrlNumber: crlNumbers.keep,
    store,
    commit,
    roster,
    liveBundle,
    logRefusal: createRefusalLog(store, log, {
      processes,
      ...(memory === undefined ? {} : { seen: memory.refusals }),
    }),
    kek,
    tokenKeys,
    posture,
    signer,
    ledgerSigner,
    meter,
    log,
    ...named,
    ...shadowOf(parts, roster),
  };
}

/** How people and chips are called in what is kept, and who says who somebody is. */
function namesOf({ pseudonym, chipIds, identity }: Parts): Pick<World, "pseudonym" | "chipIds" | "identity"> {
  return {
    ...(pseudonym === undefined ? {} : { pseudonym }),
    ...(chipIds === undefined ? {} : { chipIds }),
    ...(identity === undefined ? {} : { identity }),
  };
}

/** Who may change policy, and which one is live. */
function governedBy(parts: Parts): Pick<World, "roster" | "liveBundle"> {
  const { store, primitives, settings, ledgerSigner, memory } = parts;
  const acts = (): Promise<LastActs> => lastActs({ store, primitives, settings, ledgerSigner });
  const known = { store, primitives, settings, lastActs: acts };
  const roster = createRosterCache(known, memory?.roster);
  return { roster, liveBundle: createBundleCache({ ...known, roster }, memory?.bundle) };
}

/** The bundle that is shown what the live one decides, and whose turn it is. */
function shadowOf(parts: Parts, roster: World["roster"]): Pick<World, "shadow" | "turn"> {
  const { store, primitives, settings, meter, log, now, later, turn, memory } = parts;
  const turns = turn === undefined ? {} : { turn };
  const kept = memory === undefined ? {} : { memory: memory.shadow };
  return {
    ...turns,
    shadow: createShadowing({
      store,
      primitives,
      settings,
      roster,
      meter,
      log,
      now,
      later,
      ...turns,
      ...kept,
      ...namesOf(parts),
    }),
  };
}

/** More than a busy broker decides between two scans. */
const USE_PAGES = 1000;
/** Where each statement counts against what an invocation may ask. */
const USE_PAGES_OF_A_REQUEST = 10;

function postureOf(parts: Parts, made: Pick<World, "tokenKeys" | "liveBundle" | "roster">): Posture {
  const { store, primitives, settings, signer, ledgerSigner, kek, log, providers, findings } = parts;
  const ports = {
    ...{ store, primitives, settings, signer, ledgerSigner, kek, log, providers },
    ...namesOf(parts),
    ...made,
    files: parts.certificateFiles,
    usePages: parts.memory === undefined ? USE_PAGES : USE_PAGES_OF_A_REQUEST,
    ownerOf: ownerOf(findings),
    advisorySeconds: findings.advisorySeconds,
    ...(parts.declared === undefined ? {} : { declared: parts.declared }),
  };
  return createPosture(ports, findings.scanSeconds);
}

/** What configuration decides about every exchange. @throws {@link Fault} `config/invalid`. */
export function settingsOf(
  config: BrokerConfig,
  about: { readonly externalUrl: string | undefined; readonly admins: readonly Admin[] },
): BrokerSettings {
  const { audience, tenant, region, environment, mode, suites, maxTokenSeconds, maxEvidenceSeconds } = config;
  const { externalUrl: issuer = audience, admins } = about;
  const kept = config.traceDays === undefined ? {} : { traceDays: config.traceDays };
  const governance = governanceOf(config.governance, admins);
  return {
    ...kept,
    audience,
    issuer,
    maxTokenSeconds,
    maxEvidenceSeconds,
    tenant,
    region,
    environment,
    mode,
    suites,
    governance,
    ...pageOf(config, [audience, issuer]),
  };
}

/** The page signs requests for its own address: it has to be one by which this broker knows itself. */
function pageOf({ webauthn }: BrokerConfig, urls: readonly string[]): Pick<BrokerSettings, "webauthn"> {
  if (webauthn === undefined) return {};
  if (urls.some((url) => new URL(url).origin === webauthn.origin)) return { webauthn };
  const sentence = "expected `webauthn.origin` to be the origin of the audience or of `external_url`";
  throw new Fault("config/invalid", sentence, { "webauthn.origin": sentence });
}
