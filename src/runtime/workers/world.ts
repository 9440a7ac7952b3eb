/** What is the broker's world in a Worker? Opened once per isolate as far as it is facts; joined for each request with what may do I/O. */
import { createChainMemo } from "../../attestation/endorsement/memo.ts";
import { parseEndorsementFile } from "../../attestation/endorsement/pem.ts";
import type { ProviderTrust } from "../../attestation/endorsement/provider-chain.ts";
import { AMD_ROOTS, simulatorRoots, type TrustAnchors } from "../../attestation/endorsement/roots.ts";
import { utf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import type { Signer } from "../../base/primitives.ts";
import { type Instant, instant } from "../../base/time.ts";
import type { BundleMemory } from "../../broker/bundles.ts";
import { forwardClock } from "../../broker/clock.ts";
import { createCrlNumbers, type KnownCrlNumbers, knownCrlNumbers } from "../../broker/crl-numbers.ts";
import type { RefusalCount } from "../../broker/refusals.ts";
import { recordRoot } from "../../broker/root-record.ts";
import type { RosterMemory } from "../../broker/roster.ts";
import type { ShadowMemory } from "../../broker/shadowing.ts";
import { checkLedger, refuseAltered, refuseForeignStore } from "../../broker/startup.ts";
import type { DecisionCommit, Store } from "../../broker/store.ts";
import type { EndorsementSource, Kek, World } from "../../broker/world.ts";
import { createMetrics, type Metrics } from "../../http/metrics.ts";
import { openKekDigits } from "../../kek/variable.ts";
import { createD1Driver, refuseOtherSchema } from "../../store/d1.ts";
import { createSqlStore } from "../../store/statements.ts";
import { composeWorld, settingsOf } from "../compose.ts";
import { parseWorkerConfig, type WorkerConfig } from "../config.ts";
import { createKdsSource } from "../kds-source.ts";
import { providerTrustOf } from "../provider-config.ts";
import { databaseOf, settingsIn, type WorkerEnv } from "./env.ts";
import { createWorkerLog } from "./log.ts";
import { workerPrimitives } from "./primitives.ts";
import { createSigner, pkcs8OfPem } from "./signers.ts";
import { workerTokenKeys } from "./token-keys.ts";

const { subtle } = globalThis.crypto;
const primitives = workerPrimitives(subtle);
const MEMO_ENTRIES = 1024; // an isolate has 128 MB in all

/**
 * What an isolate remembers from one request to the next: facts and keys, and nothing that does I/O. A promise or a stream of
 * one request must not be touched by another.
 */
export interface Opened {
  readonly config: WorkerConfig;
  readonly settings: World["settings"];
  readonly signers: { readonly signer: Signer; readonly ledgerSigner: Signer };
  readonly kek: Kek;
  readonly roots: TrustAnchors;
  readonly providers: ProviderTrust;
  readonly now: () => Instant;
  readonly memo: World["trust"]["memo"];
  readonly crlNumbers: KnownCrlNumbers;
  readonly memory: {
    readonly bundle: BundleMemory;
    readonly roster: RosterMemory;
    readonly refusals: RefusalCount;
    readonly shadow: ShadowMemory;
  };
  readonly metrics: Metrics;
  readonly log: Log;
}

function systemNow(): Instant {
  return instant(Math.floor(Date.now() / 1000));
}

export function random(size: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(size));
}

/**
 * Reads the configuration and keys, and looks whether this broker may serve this database.
 *
 * @throws {@link Fault} `config/invalid`, `kek/…`, `store/…`, `ledger/inconsistent`, `clock/behind`.
 */
export async function openIsolate(env: WorkerEnv): Promise<Opened> {
  const config = parseWorkerConfig(env.CONFIG ?? "", settingsIn(env));
  const kek = openKekDigits("KEK", env.KEK, { hmac: primitives.hmac, random });
  const signers = {
    signer: await signerOf(env, "SIGNING_KEY", "ES256"),
    ledgerSigner: await signerOf(env, "LEDGER_KEY", "Ed25519"),
  };
  const driver = createD1Driver(databaseOf(env));
  await refuseOtherSchema(driver);
  const store = createSqlStore(driver);
  await refuseForeignStore(store, kek, config.audience);
  const opened: Opened = {
    config,
    settings: settingsOf(config, { externalUrl: config.externalUrl, admins: config.admins }),
    signers,
    kek,
    roots: rootsOf(config),
    providers: providerTrustOf(config.providers, config.mode),
    now: forwardClock(systemNow),
    memo: createChainMemo(MEMO_ENTRIES),
    crlNumbers: await knownCrlNumbers(store),
    memory: { bundle: {}, roster: {}, refusals: { second: undefined, lines: 0 }, shadow: {} },
    metrics: createMetrics(),
    log: createWorkerLog(config.logLevel),
  };
  const world = worldOf(opened, store);
  await checkLedger(world);
  await recordRoot(world);
  await refuseAltered(world);
  return opened;
}

/** Keeps a request's isolate until its work has ended. */
export type WaitUntil = (work: Promise<unknown>) => void;

/** The World of one request. */
export function openWorld(opened: Opened, env: WorkerEnv, waitUntil: WaitUntil): World {
  return worldOf(opened, createSqlStore(createD1Driver(databaseOf(env))), waitUntil);
}

function worldOf(opened: Opened, store: Store, waitUntil: WaitUntil = () => undefined): World {
  const { config, settings, signers, kek, roots, providers, now, memo, crlNumbers, memory, metrics, log } =
    opened;
  return composeWorld({
    now,
    random,
    primitives,
    settings,
    store,
    commit: async (commit) => commitAlone(commit, { store, metrics }),
    kek,
    ...signers,
    meter: metrics,
    log,
    roots,
    providers,
    memo,
    crlNumbers: createCrlNumbers(store, crlNumbers, now),
    source: sourceOf(config, metrics),
    tokenKeyMaker: workerTokenKeys(subtle),
    nonceLifetimeSeconds: config.nonceLifetimeSeconds,
    findings: config.findings,
    certificateFiles: async () => [],
    memory,
    later: (work) => waitUntil(work()),
  });
}

/** Requests may not share what is under way: each decision is a batch of its own. */
async function commitAlone(
  commit: DecisionCommit,
  { store, metrics }: { readonly store: Store; readonly metrics: Metrics },
) {
  metrics.observe("commit_group_size", 1);
  const [outcome] = await store.commitDecisions([commit]);
  if (outcome === undefined) throw new Fault("internal/invariant", "a commit got no outcome");
  return outcome;
}

async function signerOf(
  env: WorkerEnv,
  name: "SIGNING_KEY" | "LEDGER_KEY",
  algorithm: "ES256" | "Ed25519",
): Promise<Signer> {
  const kid = name === "SIGNING_KEY" ? "broker-signing-1" : "broker-ledger-1";
  return createSigner(subtle, algorithm, { kid, pkcs8: pkcs8OfPem(name, env[name]) });
}

/** AMD's three, and in demo mode the simulator's where the configuration holds it. */
function rootsOf({ trustSimulatorPem }: WorkerConfig): TrustAnchors {
  if (trustSimulatorPem === undefined) return AMD_ROOTS;
  const { certificates } = parseEndorsementFile(utf8(trustSimulatorPem));
  return [...AMD_ROOTS, ...simulatorRoots(certificates, primitives)];
}

function sourceOf({ kds }: WorkerConfig, metrics: Metrics): EndorsementSource {
  return createKdsSource(kds, {
    fetch: (input, init) => globalThis.fetch(input, init),
    sleep: (milliseconds) =>
      new Promise((resolve) => {
        setTimeout(resolve, milliseconds);
      }),
    random: Math.random,
    now: systemNow,
    count: (outcome) => metrics.count("endorsement_fetches", { outcome }),
  });
}
