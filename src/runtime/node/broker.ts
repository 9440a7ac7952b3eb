/** How does the broker run on Node? Configuration to a listening server, housekeeping beside it, and an orderly end. */
import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { keepHead } from "../../broker/rollback.ts";
import { beginEpoch, joinEpoch } from "../../broker/startup.ts";
import { isSealed } from "../../broker/unseal.ts";
import type { EndorsementSource, World } from "../../broker/world.ts";
import { createApp } from "../../http/app.ts";
import { createRateLimit, sharedRates } from "../../http/limits.ts";
import { type Counts, createMetrics, type Metrics } from "../../http/metrics.ts";
import { createUlids } from "../../http/request-id.ts";
import type { HttpEdges } from "../../http/route.ts";
import { createStandingView } from "../../http/standing-view.ts";
import { NO_SOURCE } from "../../kds/no-source.ts";
import { kbsEdgesOf } from "../kbs-config.ts";
import { sinkNamesOf } from "../sink-config.ts";
import { systemRandom } from "./clock.ts";
import { drainable, type Listener } from "./drain.ts";
import { startHousekeeping } from "./housekeeping.ts";
import { readKeyPage } from "./key-page.ts";
import { listen } from "./listening.ts";
import { createLog } from "./log.ts";
import { ownProviderOf, type SimulatorOf } from "./own-evidence.ts";
import { platformStanding } from "./platform-standing.ts";
import { keepsHouse, type ProcessPart } from "./process-part.ts";
import type { LoadedConfig } from "./settings.ts";
import { openSinks } from "./sinks.ts";
import { channelOf, createTlsListener, reloadCertificate } from "./tls-listener.ts";
import type { Tracing } from "./traces.ts";
import { openWorld } from "./world.ts";

export interface RunningBroker {
  /** `http://127.0.0.1:8480`, with the port that the system gave. */
  readonly url: string;
  readonly world: World;
  /** Reads the TLS certificate again, for connections to come. @throws {@link Fault} `file/unusable`, `config/invalid`; the old one stays. */
  readonly reload: () => void;
  /** What this process counted. */
  readonly counts: () => Counts;
  /** Stops taking work, lets requests end, signs a last head, closes the database. */
  readonly close: () => Promise<void>;
}

export interface BrokerParts {
  readonly writeLog: (line: string) => void;
  /** Where endorsements come from; by default as the configuration says. */
  readonly source?: EndorsementSource;
  /** Somebody said that the clock stood ahead before, and is right now. */
  readonly clockWasAhead?: boolean;
  /** In demo mode: what proves a broker that runs on no chip. */
  readonly simulator?: SimulatorOf;
  /** Which of several processes this is; without it the broker is this one alone. */
  readonly part?: ProcessPart;
}

const VERSION = "0.1.0";
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_HEADER_BYTES = 16_384;

/** Starts a broker. @throws {@link Fault} whatever keeps it from serving; nothing listens then. */
export async function startBroker(loaded: LoadedConfig, parts: BrokerParts): Promise<RunningBroker> {
  const { part } = parts;
  const log = createLog(
    loaded.config.logLevel,
    parts.writeLog,
    part === undefined ? {} : { process: part.number },
  );
  const metrics = createMetrics();
  const source = parts.source ?? (await sourceOf(loaded, metrics));
  const provider = await ownProviderOf(loaded, parts.simulator);
  const wasClockAhead = parts.clockWasAhead === true;
  const world = await openWorld(loaded, { source, metrics, log, wasClockAhead, provider, part });
  const state = { isDraining: false };
  try {
    const sinks = keepsHouse(part) ? await openSinks(loaded) : undefined;
    await sinks?.begin(world);
    if (!isSealed(world)) await (keepsHouse(part) ? beginEpoch : joinEpoch)(world, wasClockAhead);
    const tracing = await tracingOf(loaded, world);
    const isDraining = (): boolean => state.isDraining;
    const server = createListener(loaded, world, { metrics, part, isDraining, tell: tracing?.tell });
    const drain = drainable(server);
    const port = await listen(server, loaded.config.listen, part !== undefined);
    const stopHousekeeping = keepsHouse(part) ? startHousekeeping(world) : () => undefined;
    const stopSinks = sinks?.start(world);
    const url = urlOf(port, loaded.config);
    log("info", "listening", {
      url,
      mode: loaded.config.mode,
      attested: provider?.name ?? "no",
      sealed: isSealed(world),
    });
    const close = async (): Promise<void> => {
      state.isDraining = true;
      stopHousekeeping();
      await drain();
      await Promise.all([stopSinks?.(), tracing?.stop()]);
      if (keepsHouse(part) && !isSealed(world)) await keepHead(world);
      await world.store.close();
      log("info", "stopped");
    };
    return { url, world, reload: () => reloadTls(server, loaded), counts: metrics.counts, close };
  } catch (thrown) {
    await world.store.close();
    throw thrown;
  }
}

/** Loaded only where it is switched on: a broker without it opens no outgoing connection at all. */
async function sourceOf({ config }: LoadedConfig, metrics: Metrics): Promise<EndorsementSource> {
  if (!config.kds.isEnabled) return NO_SOURCE;
  const { createNodeKdsSource } = await import("./kds-source.ts");
  return createNodeKdsSource(config.kds, metrics);
}

/** Loaded only where it is switched on. */
async function tracingOf({ config, at }: LoadedConfig, { meter }: World): Promise<Tracing | undefined> {
  if (config.traces === undefined) return undefined;
  const { startTracing } = await import("./traces.ts");
  return startTracing(config.traces, at, { meter, version: VERSION });
}

interface ListenerParts {
  readonly tell: HttpEdges["tell"];
  readonly metrics: Metrics;
  readonly isDraining: () => boolean;
  readonly part: ProcessPart | undefined;
}

function createListener(
  { config, at }: LoadedConfig,
  world: World,
  { metrics, isDraining, part, tell }: ListenerParts,
): Listener {
  const { listen } = config;
  const milliseconds = (): number => performance.now();
  const edges: HttpEdges = {
    nextId: createUlids({ milliseconds: Date.now, random: systemRandom }),
    milliseconds,
    sourceOf: (env) => addressOf(socketOf(env)),
    channelOf: (env) => channelOf(socketOf(env)),
    offered: listen.bindings,
    ownUrls: [config.audience, ...(listen.externalUrl === undefined ? [] : [listen.externalUrl])],
    rateLimit: createRateLimit(sharedRates(config.rates, part?.of ?? 1), milliseconds),
    ledgerReaders: config.ledgerReaders,
    keyPage: readKeyPage,
    healthDetails: config.healthDetails,
    standing: createStandingView(world, {
      sinks: sinkNamesOf(config),
      milliseconds,
      more: () => platformStanding(config, { at, now: world.now() }),
    }),
    version: VERSION,
    metrics,
    isDraining,
    ...(tell === undefined ? {} : { tell }),
    ...(config.kbs === undefined ? {} : { kbs: kbsEdgesOf(config.kbs) }),
    ...(part === undefined ? {} : { countsOfAll: part.countsOfAll }),
  };
  const app = createApp(world, edges);
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: true });
  if (listen.tls !== undefined) {
    const { certFile, keyFile } = listen.tls;
    const files = { certFile: at(certFile), keyFile: at(keyFile) };
    return createTlsListener({ files, asksForCertificate: listen.bindings.includes(1) }, listener);
  }
  const options = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  return createServer(options, listener);
}

function reloadTls(server: Listener, { config, at }: LoadedConfig): void {
  const { tls } = config.listen;
  if (tls === undefined || !("setSecureContext" in server)) return;
  reloadCertificate(server, { certFile: at(tls.certFile), keyFile: at(tls.keyFile) });
}

/** The socket that carries a request, under HTTP/2 the session's; no header says who a peer is. */
function socketOf(env: unknown): unknown {
  const incoming = memberOf(env, "incoming");
  return (
    memberOf(memberOf(memberOf(incoming, "stream"), "session"), "socket") ?? memberOf(incoming, "socket")
  );
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function addressOf(socket: unknown): string {
  const address = memberOf(socket, "remoteAddress");
  return typeof address === "string" ? address : "0.0.0.0";
}

function urlOf(port: number, { listen: { host, tls } }: LoadedConfig["config"]): string {
  return `${tls === undefined ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
