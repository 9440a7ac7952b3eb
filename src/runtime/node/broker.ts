/** How does the broker run on Node? Configuration to a listening server, housekeeping beside it, and an orderly end. */
import { readFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { addSeconds } from "../../base/time.ts";
import { advanceCheckpoint } from "../../broker/checkpoints.ts";
import { beginEpoch } from "../../broker/startup.ts";
import type { EndorsementSource, World } from "../../broker/world.ts";
import { createApp } from "../../http/app.ts";
import { createMetrics, type Metrics } from "../../http/metrics.ts";
import { createUlids } from "../../http/request-id.ts";
import type { HttpEdges } from "../../http/route.ts";
import { systemRandom } from "./clock.ts";
import { createLog } from "./log.ts";
import { NO_SOURCE } from "./no-source.ts";
import type { LoadedConfig } from "./settings.ts";
import { openWorld } from "./world.ts";

export interface RunningBroker {
  /** `http://127.0.0.1:8480`, with the port that the system gave. */
  readonly url: string;
  readonly world: World;
  /** Stops taking work, lets requests end, signs a last head, closes the database. */
  readonly close: () => Promise<void>;
}

export interface BrokerParts {
  readonly writeLog: (line: string) => void;
  /** Where endorsements come from; by default as the configuration says. */
  readonly source?: EndorsementSource;
}

const CHECKPOINT_MS = 1000;
const PRUNE_MS = 600_000;
const REFUSALS_KEPT_SECONDS = 30 * 86_400;
const DRAIN_MS = 10_000;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_HEADER_BYTES = 16_384;

/** Starts a broker. @throws {@link Fault} whatever keeps it from serving; nothing listens then. */
export async function startBroker(loaded: LoadedConfig, parts: BrokerParts): Promise<RunningBroker> {
  const log = createLog(loaded.config.logLevel, parts.writeLog);
  const metrics = createMetrics();
  const source = parts.source ?? (await sourceOf(loaded));
  const world = await openWorld(loaded, { source, metrics, log });
  const state = { isDraining: false };
  try {
    await beginEpoch(world);
    const server = createListener(loaded, world, { metrics, isDraining: () => state.isDraining });
    await listen(server, loaded);
    const stopHousekeeping = startHousekeeping(world);
    const url = urlOf(server, loaded);
    log("info", "listening", { url, mode: loaded.config.mode });
    const close = async (): Promise<void> => {
      state.isDraining = true;
      stopHousekeeping();
      await drain(server);
      await advanceCheckpoint(world);
      await world.store.close();
      log("info", "stopped");
    };
    return { url, world, close };
  } catch (thrown) {
    await world.store.close();
    throw thrown;
  }
}

/** Loaded only where it is switched on: a broker without it opens no outgoing connection at all. */
async function sourceOf({ config }: LoadedConfig): Promise<EndorsementSource> {
  if (!config.kds.isEnabled) return NO_SOURCE;
  const { createKdsSource } = await import("./kds-source.ts");
  return createKdsSource(config.kds);
}

function createListener(
  { config, at }: LoadedConfig,
  world: World,
  parts: { readonly metrics: Metrics; readonly isDraining: () => boolean },
): Server {
  const { listen } = config;
  const edges: HttpEdges = {
    nextId: createUlids({ milliseconds: Date.now, random: systemRandom }),
    milliseconds: () => performance.now(),
    peerOf: (env) => ({ source: addressOf(env) }),
    offered: [3],
    ownUrls: [config.audience, ...(listen.externalUrl === undefined ? [] : [listen.externalUrl])],
    rates: config.rates,
    ledgerReaders: config.ledgerReaders,
    version: "0.1.0",
    ...parts,
  };
  const app = createApp(world, edges);
  const listener: RequestListener = getRequestListener(app.fetch, { overrideGlobalObjects: true });
  const options = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  if (listen.tls === undefined) return createServer(options, listener);
  const [cert, key] = [listen.tls.certFile, listen.tls.keyFile].map((path) => readFileSync(at(path)));
  return createTlsServer({ ...options, cert, key, minVersion: "TLSv1.3" }, listener);
}

/** The address of the socket itself; no header says who a peer is. */
function addressOf(env: unknown): string {
  const incoming = typeof env === "object" && env !== null && "incoming" in env ? env.incoming : undefined;
  const socket =
    typeof incoming === "object" && incoming !== null && "socket" in incoming ? incoming.socket : undefined;
  const address =
    typeof socket === "object" && socket !== null ? Reflect.get(socket, "remoteAddress") : undefined;
  return typeof address === "string" ? address : "0.0.0.0";
}

function listen(server: Server, { config }: LoadedConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(config.listen.port, config.listen.host, () => resolve());
  });
}

function urlOf(server: Server, { config }: LoadedConfig): string {
  const address: AddressInfo | string | null = server.address();
  const port = typeof address === "object" && address !== null ? address.port : config.listen.port;
  const host = config.listen.host.includes(":") ? `[${config.listen.host}]` : config.listen.host;
  return `${config.listen.tls === undefined ? "http" : "https"}://${host}:${port}`;
}

/** Signed heads and forgotten rows; a failure is logged and tried again at the next turn. */
function startHousekeeping(world: World): () => void {
  const run = (event: string, work: () => Promise<unknown>) => () => {
    work().catch((thrown: unknown) => {
      world.log("error", event, { reason: thrown instanceof Error ? thrown.message : "unknown" });
    });
  };
  const timers = [
    setInterval(
      run("checkpoint-failed", () => advanceCheckpoint(world)),
      CHECKPOINT_MS,
    ),
    setInterval(
      run("prune-failed", () =>
        world.store.prune(world.now(), addSeconds(world.now(), -REFUSALS_KEPT_SECONDS)),
      ),
      PRUNE_MS,
    ),
  ];
  for (const timer of timers) timer.unref();
  return () => timers.forEach(clearInterval);
}

function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
