/** What is a broker in a test? The real use cases over the memory store, with a clock and a log that the test holds. */
import { randomBytes } from "node:crypto";
import type { Hono } from "hono";
import { createChainMemo } from "../../src/attestation/endorsement/memo.ts";
import { NO_PROVIDERS } from "../../src/attestation/endorsement/provider-chain.ts";
import { AMD_ROOTS } from "../../src/attestation/endorsement/roots.ts";
import { Fault } from "../../src/base/fault.ts";
import type { LogFields } from "../../src/base/log.ts";
import type { Signer } from "../../src/base/primitives.ts";
import { instant } from "../../src/base/time.ts";
import { createBundleCache } from "../../src/broker/bundles.ts";
import { lastActs } from "../../src/broker/last-acts.ts";
import { createNonceEpochs } from "../../src/broker/nonce-epochs.ts";
import { createRefusalLog } from "../../src/broker/refusals.ts";
import { createRosterCache } from "../../src/broker/roster.ts";
import { createTokenKeyRing } from "../../src/broker/token-keys.ts";
import type { Kek, World } from "../../src/broker/world.ts";
import { type AdminClient, createAdminClient } from "../../src/client/admin.ts";
import { createApp } from "../../src/http/app.ts";
import { createRateLimit } from "../../src/http/limits.ts";
import { createMetrics } from "../../src/http/metrics.ts";
import { createUlids } from "../../src/http/request-id.ts";
import type { HttpEdges } from "../../src/http/route.ts";
import { unwrapUnder, wrapUnder } from "../../src/keys/wrap.ts";
import type { Governance } from "../../src/policy/admins.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import {
  createEd25519Signer,
  createEs256Signer,
  generateEd25519Pem,
  generateEs256Pem,
} from "../../src/runtime/node/signers.ts";
import { nodeTokenKeys } from "../../src/runtime/node/token-keys.ts";
import { createMemoryStore } from "../../src/store/memory.ts";

export const AUDIENCE = "https://broker.example/c/0001";
export const ADMIN_KID = "admin-1";
export const ADMIN_PEM = generateEd25519Pem();

const SIGNING_KEY = createEs256Signer("broker-1", generateEs256Pem());
const LEDGER_KEY = createEd25519Signer("ledger-1", generateEd25519Pem());
const ADMIN_KEY = createEd25519Signer(ADMIN_KID, ADMIN_PEM);

/** The admins of these tests: one, who may do everything alone. */
export const ONE_ADMIN: Governance = {
  admins: [
    {
      kid: ADMIN_KID,
      spki: ADMIN_KEY.spki,
      person: ADMIN_KID,
      roles: ["author", "approver", "operator", "auditor"],
      under: [],
      owns: ["root"],
    },
  ],
  groups: [],
  approvals: 0,
  rootThreshold: 1,
  accepts: {},
};

export interface LogLine extends LogFields {
  readonly level: string;
  readonly event: string;
}

export interface BrokerAtHand {
  readonly app: Hono;
  readonly world: World;
  readonly admin: AdminClient;
  readonly adminSigner: Signer;
  readonly lines: readonly LogLine[];
  /** Moves both clocks. */
  readonly pass: (seconds: number) => void;
}

/** Makes a fresh broker; `change` replaces parts of its world, `edge` of its platform. */
export function brokerAtHand(
  change: (world: World) => Partial<World> = () => ({}),
  edge: Partial<HttpEdges> = {},
): BrokerAtHand {
  const lines: LogLine[] = [];
  let seconds = 1_795_449_600;
  const base = worldOf(
    () => instant(Math.floor(seconds)),
    (level, event, fields) => void lines.push({ ...fields, level, event }),
  );
  const world = { ...base, ...change(base) };
  const metrics = createMetrics();
  const milliseconds = () => seconds * 1000;
  const edges: HttpEdges = {
    nextId: createUlids({ milliseconds, random }),
    milliseconds,
    sourceOf: () => "192.0.2.7",
    channelOf: () => ({}),
    offered: [3],
    ownUrls: [AUDIENCE],
    rateLimit: createRateLimit({ perSource: 10, perBroker: 1000 }, milliseconds),
    ledgerReaders: "admins",
    metrics,
    isDraining: () => false,
    version: "0.1.0",
    ...edge,
  };
  const app = createApp({ ...world, meter: edges.metrics }, edges);
  const admin = createAdminClient({
    url: AUDIENCE,
    audience: AUDIENCE,
    signer: ADMIN_KEY,
    fetch: async (input, init) => app.request(pathOf(String(input)), init),
    now: world.now,
    random,
    digest: nodePrimitives.digest,
  });
  const pass = (more: number) => {
    seconds += more;
  };
  return { app, world, admin, adminSigner: ADMIN_KEY, lines, pass };
}

/** The test's broker is served under the path of its audience, as behind a proxy that strips nothing. */
function pathOf(url: string): string {
  return url.slice(AUDIENCE.length);
}

export function random(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(randomBytes(size));
}

function worldOf(now: World["now"], log: World["log"]): World {
  const store = createMemoryStore();
  const kek = memoryKek();
  const settings = {
    audience: AUDIENCE,
    issuer: AUDIENCE,
    maxTokenSeconds: 300,
    maxEvidenceSeconds: 3600,
    tenant: "",
    region: "",
    environment: "",
    mode: "production",
    suites: [1, 2],
    governance: ONE_ADMIN,
  } as const;
  const acts = () => lastActs({ store, primitives: nodePrimitives, settings, ledgerSigner: LEDGER_KEY });
  const roster = createRosterCache({ store, primitives: nodePrimitives, settings, lastActs: acts });
  return {
    now,
    random,
    primitives: nodePrimitives,
    trust: {
      primitives: nodePrimitives,
      roots: AMD_ROOTS,
      memo: createChainMemo(16),
      providers: NO_PROVIDERS,
      lowestCrlNumber: () => undefined,
    },
    settings,
    nonceKeys: createNonceEpochs({
      store,
      kek,
      random,
      primitives: nodePrimitives,
      now,
      audience: AUDIENCE,
      tenant: "",
      lifetimeSeconds: 60,
    }),
    endorsementsFor: async () => {
      throw new Fault("endorsement/unavailable", "this broker asks nobody");
    },
    keepCrlNumber: async () => {},
    store,
    commit: async (commit) => {
      const [outcome] = await store.commitDecisions([commit]);
      if (outcome === undefined) throw new Fault("internal/invariant", "one commit, one outcome");
      return outcome;
    },
    roster,
    liveBundle: createBundleCache({ store, primitives: nodePrimitives, settings, roster, lastActs: acts }),
    logRefusal: createRefusalLog(store, log),
    kek,
    signer: SIGNING_KEY,
    tokenKeys: createTokenKeyRing({ store, kek, primitives: nodePrimitives, now, maker: nodeTokenKeys }),
    ledgerSigner: LEDGER_KEY,
    meter: { count: () => {} },
    log,
  };
}

export function memoryKek(id = "memory:test"): Kek {
  const key = random(32);
  return {
    id,
    wrap: async (plaintext, aad) => wrapUnder(key, { nonce: random(12), aad, plaintext }),
    unwrap: async (wrapped, aad) => {
      const plaintext = unwrapUnder(key, wrapped, aad);
      if (plaintext === undefined) throw new Fault("kek/wrong-key", "another key or another use");
      return plaintext;
    },
  };
}
