/** How does `ostiary agent serve` run? Doors open one after another, systemd is told, and at the end all is closed in order. */
import { env } from "node:process";
import type { AttestedSource } from "../../agent/attested-source.ts";
import { createHealth, type Health } from "../../agent/health.ts";
import type { Door, OpenDoor } from "../../agent/secret-source.ts";
import { isFault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import type { ExitStatus, Terminal } from "../../cli/command.ts";
import { doorsOf } from "./agent-doors.ts";
import { loadAgentConfig } from "./agent-file.ts";
import { createSource, optionsOf, type SourceEyes } from "./agent-source.ts";
import type { NodeAgentParts } from "./agent-way.ts";
import { inheritedSockets } from "./inherited-sockets.ts";
import { createLog } from "./log.ts";
import { createNotifier, type Notifier } from "./notify.ts";
import { untilSignal } from "./until-signal.ts";

/** Reads the file and what it names; asks nobody. @throws {@link Fault} `config/invalid`, `file/unusable`, `provider/unavailable`. */
export async function inspectAgent(path: string, parts: NodeAgentParts): Promise<void> {
  const config = await loadAgentConfig(path);
  const nothing = (): undefined => undefined;
  const heard = { onWait: nothing, onRead: nothing, onReport: nothing, onRenewal: nothing };
  const none = { ...heard, signal: AbortSignal.abort() };
  const source = await createSource(optionsOf(config.brokers), parts, none);
  const health = createHealth(milliseconds);
  await doorsOf(config, { inherited: inheritedSockets({}), health, cacheSize: source.cacheSize });
  await source.close();
}

/** Until a signal comes. @throws {@link Fault} as {@link inspectAgent}, and what keeps a door from opening. */
export async function serveAgent(
  path: string,
  parts: NodeAgentParts,
  terminal: Terminal,
): Promise<ExitStatus> {
  const ended = untilSignal(); // before anything opens, so that no signal finds nobody listening
  const config = await loadAgentConfig(path);
  const log = createLog(config.logLevel, terminal.err);
  const notifier = await createNotifier(env);
  const inherited = inheritedSockets(env);
  const health = createHealth(milliseconds);
  const stop = new AbortController();
  const eyes = { ...eyesOf(log, notifier, health), signal: stop.signal };
  const source = await createSource(optionsOf(config.brokers), parts, eyes, {
    ...(config.cache === undefined ? {} : { cache: config.cache }),
  });
  const doors = await doorsOf(config, { inherited, health, cacheSize: source.cacheSize });
  const alive = beat(notifier);
  const opening = openAll(doors, { source, log, health, signal: stop.signal });
  try {
    const open = await Promise.race([opening, ended]);
    if (open !== undefined) {
      health.onReady();
      for (const socket of inherited.rest()) log("warn", "socket-unused", { socket });
      notifier.notify("READY=1", `STATUS=${doors.length} doors are open`);
      log("info", "ready", { doors: doors.length });
      await ended;
    }
    return 0;
  } finally {
    notifier.notify("STOPPING=1");
    stop.abort();
    for (const door of await opening.catch(() => [])) {
      await door.close().catch((thrown) => sayClosing(log, thrown)); // in order: the last opened first
    }
    await source.close();
    clearInterval(alive);
    log("info", "ended");
  }
}

const QUIET_BEAT_MS = 60_000;

/** While the event loop turns; without it a daemon whose doors wait for nothing would be at its end. */
function beat({ notify, watchdogMs = QUIET_BEAT_MS }: Notifier): NodeJS.Timeout {
  return setInterval(() => notify("WATCHDOG=1"), watchdogMs);
}

interface Opening {
  readonly source: AttestedSource;
  readonly log: Log;
  readonly health: Health;
  readonly signal: AbortSignal;
}

/** Those that are open by the end, the last first. Where one cannot open, those before it are closed. */
async function openAll(doors: readonly Door[], opening: Opening): Promise<readonly OpenDoor[]> {
  const { source, log, health, signal } = opening;
  const open: OpenDoor[] = [];
  try {
    for (const door of doors) {
      if (signal.aborted) break;
      open.unshift(await door.open(source, { log, signal })); // in order: what comes first is there first
      health.onDoor(door.name);
      log("info", "door-open", { door: door.name });
    }
  } catch (thrown) {
    for (const door of open) await door.close(); // in order
    if (!signal.aborted) throw thrown;
    return [];
  }
  return open;
}

function eyesOf(log: Log, { notify }: Notifier, health: Health): Omit<SourceEyes, "signal"> {
  return {
    onWait: ({ fault: { code }, failed: { url }, milliseconds: time }) => {
      log("warn", "waiting", { broker: url, code, milliseconds: Math.round(time) });
      health.onWait({ broker: url, code });
      notify(`STATUS=waiting for ${url}: ${code}`);
    },
    onReport: health.onReport,
    onRenewal: health.onRenewal,
    onRead: (outcome) => {
      health.onRead(outcome);
      if (outcome.kind === "released") notify("STATUS=the broker answers");
    },
  };
}

function sayClosing(log: Log, thrown: unknown): void {
  log("error", "door-not-closed", { code: isFault(thrown) ? thrown.code : "internal/invariant" });
}

function milliseconds(): number {
  return performance.now();
}
