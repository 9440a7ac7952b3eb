/** What is the broker's world on Node? Files, a database, native cryptography and AMD's key server, joined once per process. */

import { setTimeout as sleep } from "node:timers/promises";
import { createChainMemo } from "../../attestation/endorsement/memo.ts";
import { parseEndorsementFile } from "../../attestation/endorsement/pem.ts";
import type { ProviderTrust } from "../../attestation/endorsement/provider-chain.ts";
import { AMD_ROOTS, simulatorRoots, type TrustAnchors } from "../../attestation/endorsement/roots.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import type { Log } from "../../base/log.ts";
import { forwardClock } from "../../broker/clock.ts";
import { loadCrlNumbers } from "../../broker/crl-numbers.ts";
import { createGroupCommit } from "../../broker/group-commit.ts";
import { hidingChips } from "../../broker/hidden-chips.ts";
import { createProver } from "../../broker/prover.ts";
import { createHeadAnchor } from "../../broker/rollback.ts";
import { refuseForeignStore } from "../../broker/startup.ts";
import type { DecisionCommit, Store } from "../../broker/store.ts";
import type { Anchor, EndorsementSource, Kek, World } from "../../broker/world.ts";
import type { Metrics } from "../../http/metrics.ts";
import type { ProviderPlan } from "../../oidc/plan.ts";
import { composeWorld } from "../compose.ts";
import { providerTrustOf } from "../provider-config.ts";
import { certificateFilesOf } from "./certificate-files.ts";
import { nextTurn, systemNow, systemRandom } from "./clock.ts";
import { declaredOf } from "./declared-policy.ts";
import { headPlacesOf } from "./head-places.ts";
import { keepersOf } from "./keepers.ts";
import { bytesOf, pemOf } from "./named-files.ts";
import { openKek } from "./open-kek.ts";
import { openStore } from "./open-store.ts";
import { nodePrimitives } from "./primitives.ts";
import { keepsHouse, type ProcessPart } from "./process-part.ts";
import { pseudonymsOf } from "./salt.ts";
import { type LoadedConfig, loadSettings, loadSigners } from "./settings.ts";
import { nodeTokenKeys } from "./token-keys.ts";
import { witnessesOf } from "./witnesses.ts";

/** Chains of some thousand chips stay proven in memory. */
const MEMO_ENTRIES = 8192;

export interface WorldParts {
  readonly source: EndorsementSource;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Somebody said that the clock stood ahead before, and is right now. */
  readonly wasClockAhead?: boolean;
  /** Where this broker's own evidence comes from; none outside a confidential VM. */
  readonly provider?: EvidenceProvider | undefined;
  /** Which of several processes this is; without it the broker is this one alone. */
  readonly part?: Pick<ProcessPart, "number" | "of"> | undefined;
}

/**
 * Opens everything that the configuration names.
 *
 * @throws {@link Fault} `file/unusable`, `config/invalid`, `kek/…`, `store/…`.
 */
export async function openWorld(loaded: LoadedConfig, parts: WorldParts): Promise<World> {
  const settings = await loadSettings(loaded);
  const signers = await loadSigners(loaded);
  const { kek, seal } = await openKek(loaded, parts);
  const store = await openStore(loaded, "existing");
  try {
    if (seal === undefined) await refuseForeignStore(store, kek, settings.audience);
    const [roots, providers] = [await rootsOf(loaded), await providersOf(loaded, parts.log)];
    const names = await pseudonymsOf(loaded);
    const hiding = hidingChips(store, names.chipIds);
    const opened = { store: hiding, kek, roots, providers, settings, signers, names, ...loaded };
    const world = await joined(opened, parts);
    return seal === undefined
      ? world
      : { ...world, seal: { ...seal, wasClockAhead: parts.wasClockAhead === true } };
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
}

interface Opened {
  readonly store: Store;
  readonly kek: Kek;
  readonly roots: TrustAnchors;
  readonly providers: ProviderTrust;
  readonly settings: World["settings"];
  readonly signers: Pick<World, "signer" | "ledgerSigner">;
  readonly names: Pick<World, "pseudonym" | "chipIds">;
  readonly config: LoadedConfig["config"];
  readonly at: LoadedConfig["at"];
}

async function joined(opened: Opened, parts: WorldParts): Promise<World> {
  const plain = await unproven(opened, parts);
  const world = { ...plain, ...receiptWaitOf(opened), anchors: await anchorsOf(opened, parts) };
  const { provider, part } = parts;
  if (provider === undefined) return world;
  const { cluster, freshPerSecond: rate } = opened.config.attestation;
  const freshPerSecond = rate / (part?.of ?? 1);
  const plan = { provider, cluster, freshPerSecond, milliseconds: () => performance.now() };
  return { ...world, prove: createProver(plan, world) };
}

function receiptWaitOf({ config: { receiptWait } }: Opened): Pick<World, "receiptWait"> {
  if (receiptWait === undefined) return {};
  const { witnesses, seconds } = receiptWait;
  const clock = { milliseconds: () => performance.now(), sleep: (ms: number) => sleep(ms) };
  return { receiptWait: { ...clock, witnesses, mostMs: seconds * 1000, waiting: { count: 0 } } };
}

/**
 * What is at hand is asked before those that are far away. Of several processes one writes what remembers the log; each
 * compares its database with it before it serves.
 */
async function anchorsOf(opened: Opened, { part }: WorldParts): Promise<readonly Anchor[]> {
  const { store, signers } = opened;
  const keepers = await keepersOf(opened, { store, ledgerSigner: signers.ledgerSigner });
  const kept = keepers.map((keeper) => createHeadAnchor(keeper, keeper.name));
  const anchors = [...kept, ...witnessesOf(opened.config), ...(await headPlacesOf(opened))];
  return keepsHouse(part) ? anchors : anchors.map((anchor) => ({ ...anchor, keep: async () => undefined }));
}

async function unproven(opened: Opened, { source, metrics, log, part }: WorldParts): Promise<World> {
  const now = forwardClock(systemNow);
  const { store, kek, settings, signers, config, roots, providers, names } = opened;
  const flush = (group: readonly DecisionCommit[]) => {
    metrics.observe("commit_group_size", group.length);
    return store.commitDecisions(group);
  };
  return composeWorld({
    now,
    random: systemRandom,
    primitives: nodePrimitives,
    settings,
    store,
    commit: createGroupCommit(flush, nextTurn),
    kek,
    ...signers,
    meter: metrics,
    log,
    roots,
    providers,
    memo: createChainMemo(MEMO_ENTRIES),
    crlNumbers: await loadCrlNumbers(store, now),
    source,
    tokenKeyMaker: nodeTokenKeys,
    nonceLifetimeSeconds: config.nonceLifetimeSeconds,
    ...names,
    identity: await identityOf(config.identityProviders, now),
    findings: config.findings,
    certificateFiles: certificateFilesOf(opened),
    ...declaredOf(opened),
    processes: part?.of ?? 1,
    later: (work) => void setImmediate(() => void work()),
    turn: nextTurn,
  });
}

/** How long anybody who signs in waits for a provider. */
const PROVIDER_TIMEOUT_MS = 5000;

/** Nobody else waits for what it takes. */
async function identityOf(plans: readonly ProviderPlan[], now: World["now"]): Promise<World["identity"]> {
  if (plans.length === 0) return undefined;
  const { createIdentityProviders } = await import("../../oidc/providers.ts");
  return createIdentityProviders(plans, { fetch: globalThis.fetch, now, timeoutMs: PROVIDER_TIMEOUT_MS });
}

/** AMD's three, and in demo mode the simulator's where the configuration names its file. */
async function rootsOf({ config, at }: LoadedConfig): Promise<TrustAnchors> {
  if (config.trustSimulatorFile === undefined) return AMD_ROOTS;
  const { certificates } = parseEndorsementFile(await bytesOf(at(config.trustSimulatorFile)));
  return [...AMD_ROOTS, ...simulatorRoots(certificates, nodePrimitives)];
}

/** @throws {@link Fault} `file/unusable`, `config/invalid`. */
async function providersOf({ config, at }: LoadedConfig, log: Log): Promise<ProviderTrust> {
  const read = async (file: string | undefined) => (file === undefined ? undefined : pemOf(at(file)));
  const { googleFirmware, hostVtpm, firmwareUrl } = config.providers;
  const [firmware, vtpm] = [await read(googleFirmware), await read(hostVtpm)];
  const trust = providerTrustOf(
    {
      ...(firmware === undefined ? {} : { googleFirmware: firmware }),
      ...(vtpm === undefined ? {} : { hostVtpm: vtpm }),
    },
    config.mode,
  );
  if (firmwareUrl === undefined) return trust;
  const { createNodeFirmwareSource } = await import("./kds-source.ts");
  return { ...trust, findFirmware: createNodeFirmwareSource(firmwareUrl, config.kds.timeoutSeconds, log) };
}
