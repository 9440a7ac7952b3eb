/** How does the broker run on Cloudflare Workers? A request at a time over one D1 database, and a schedule in place of timers. */
import { Fault, isFault } from "../../base/fault.ts";
import { FAULT_CODES } from "../../base/fault-codes.ts";
import { addSeconds } from "../../base/time.ts";
import { advanceCheckpoint } from "../../broker/checkpoints.ts";
import { runDueScans } from "../../broker/findings.ts";
import { forgetSome } from "../../broker/forgotten.ts";
import { refreshAhead } from "../../broker/refresh.ts";
import { keepSecretTimes } from "../../broker/secret-life.ts";
import { createFiller } from "../../broker/tiles.ts";
import type { World } from "../../broker/world.ts";
import { createApp } from "../../http/app.ts";
import { createRateLimit, type RateLimit } from "../../http/limits.ts";
import { refusedOf } from "../../http/problem.ts";
import { createUlids } from "../../http/request-id.ts";
import { responseOfRefusal } from "../../http/response.ts";
import type { HttpEdges } from "../../http/route.ts";
import { kbsEdgesOf } from "../kbs-config.ts";
import type { WorkerEnv } from "./env.ts";
import { createWorkerLog } from "./log.ts";
import { type Opened, openIsolate, openWorld, random } from "./world.ts";

/** What this entry uses of Cloudflare's execution context. */
export interface WorkerContext {
  readonly waitUntil: (work: Promise<unknown>) => void;
}

export interface Worker {
  readonly fetch: (request: Request, env: WorkerEnv, context: WorkerContext) => Promise<Response>;
  readonly scheduled: (
    event: { readonly scheduledTime: number },
    env: WorkerEnv,
    context: WorkerContext,
  ) => Promise<void>;
}

const milliseconds = (): number => Date.now();
const nextId = createUlids({ milliseconds, random });
const CHECKPOINT_MS = 1000;
/** Each takes some thirty of the statements that an invocation may have. */
const BATCHES_PER_TURN = 8;
const PRUNE_MINUTES = 10;
const REFUSALS_KEPT_SECONDS = 30 * 86_400;

/** Makes the handlers of one isolate, which remember nothing yet. */
export function createWorker(): Worker {
  let isolate: Isolate | undefined;
  const opened = async (env: WorkerEnv): Promise<Isolate> => {
    isolate ??= isolateOf(await openIsolate(env));
    return isolate;
  };
  return {
    fetch: async (request, env, context) => {
      try {
        return await served(request, await opened(env), { env, context });
      } catch (thrown) {
        return refusal(thrown);
      }
    },
    scheduled: async ({ scheduledTime }, env, context) => {
      const { facts } = await opened(env);
      await keepHouse(
        openWorld(facts, env, (work) => context.waitUntil(work)),
        new Date(scheduledTime).getUTCMinutes(),
      );
    },
  };
}

interface Isolate {
  readonly facts: Opened;
  readonly rateLimit: RateLimit;
  /** When a head was last signed here, in Unix milliseconds. */
  signedAt: number;
}

function isolateOf(facts: Opened): Isolate {
  return { facts, rateLimit: createRateLimit(facts.config.rates, milliseconds), signedAt: 0 };
}

async function served(
  request: Request,
  isolate: Isolate,
  { env, context }: { readonly env: WorkerEnv; readonly context: WorkerContext },
): Promise<Response> {
  const world = openWorld(isolate.facts, env, (work) => context.waitUntil(work));
  const app = createApp(world, edgesOf(isolate));
  const response = await app.fetch(request, { source: sourceOf(request) });
  if (request.method !== "GET" && milliseconds() >= isolate.signedAt + CHECKPOINT_MS) {
    isolate.signedAt = milliseconds();
    context.waitUntil(logged(world, "checkpoint-failed", advanceCheckpoint(world)));
  }
  return response;
}

function edgesOf({ facts, rateLimit }: Isolate): HttpEdges {
  const { config, metrics } = facts;
  return {
    nextId,
    milliseconds,
    sourceOf: (env) => sourceIn(env),
    channelOf: () => ({}), // Cloudflare ends TLS: nothing of the connection binds evidence
    offered: [3],
    ownUrls: [config.audience, ...(config.externalUrl === undefined ? [] : [config.externalUrl])],
    rateLimit,
    ledgerReaders: config.ledgerReaders,
    metrics,
    isDraining: () => false,
    version: "0.1.0",
    ...(config.kbs === undefined ? {} : { kbs: kbsEdgesOf(config.kbs) }),
  };
}

/** Cloudflare's edge writes this header itself, over whatever a client sent; it stands where Node has the socket's address. */
function sourceOf(request: Request): string {
  return request.headers.get("cf-connecting-ip") ?? "0.0.0.0";
}

function sourceIn(env: unknown): string {
  const source = typeof env === "object" && env !== null ? Reflect.get(env, "source") : undefined;
  return typeof source === "string" ? source : "0.0.0.0";
}

/** Nothing is served by a broker that could not be opened: the sentence goes to the log, and to whoever asked that it is our fault. */
function refusal(thrown: unknown): Response {
  const isOurs = !isFault(thrown) || FAULT_CODES[thrown.code].status >= 500;
  const fault = isOurs ? thrown : new Fault("config/invalid", thrown.message, { code: thrown.code });
  const log = createWorkerLog("info");
  return responseOfRefusal(refusedOf(fault, { id: nextId(), isAdmin: false, log }));
}

/** What timers do on Node: each part is tried whatever became of the one before, and again at the next turn. */
async function keepHouse(world: World, minute: number): Promise<void> {
  await logged(world, "checkpoint-failed", advanceCheckpoint(world));
  await logged(world, "filling-failed", createFiller(BATCHES_PER_TURN, world.log)(world));
  await logged(world, "forgetting-failed", forgetSome(world));
  await logged(world, "secret-times-failed", keepSecretTimes(world));
  await logged(world, "scans-failed", runDueScans(world.posture?.scans ?? [], world));
  await logged(world, "refresh-failed", refreshAhead(world));
  if (minute % PRUNE_MINUTES !== 0) return;
  const now = world.now();
  await logged(world, "prune-failed", world.store.prune(now, addSeconds(now, -REFUSALS_KEPT_SECONDS)));
}

async function logged(world: World, event: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (thrown) {
    world.log("error", event, { reason: thrown instanceof Error ? thrown.message : "unknown" });
  }
}

export default createWorker();
