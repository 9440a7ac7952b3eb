/** Which sinks does the configuration name, and when do they hear? Each has an outbox that takes its turns beside the requests. */
import { hostname } from "node:os";
import { hexOf, parseUtf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { createPageReader } from "../../broker/log-page.ts";
import { notificationOf } from "../../broker/notified.ts";
import { createOutbox, type Outbox, type Sink } from "../../broker/outbox.ts";
import type { World } from "../../broker/world.ts";
import { auditName, type NotifyConfig, notifyName, type SinkPlace } from "../sink-config.ts";
import { systemNow, systemRandom } from "./clock.ts";
import { bytesOf, pemOf } from "./named-files.ts";
import { nodePrimitives } from "./primitives.ts";
import type { LoadedConfig } from "./settings.ts";

const TURN_MS = 1000;
/** Both far below the turn of an outbox. */
const TIMEOUT_MS = 10_000;
const COMMAND_TIMEOUT_MS = 20_000;
const MIN_KEY_BYTES = 32;

export interface Sinks {
  /** Marks where new ones begin. */
  readonly begin: (world: World) => Promise<void>;
  /** From now on they hear. @returns What ends it: what is under way is given up, and comes again at the next start. */
  readonly start: (world: World) => () => Promise<void>;
}

/** Reads what they are reached with. @throws {@link Fault} `file/unusable`, `config/invalid`. */
export async function openSinks(loaded: LoadedConfig): Promise<Sinks> {
  const ending = new AbortController();
  const owner = hexOf(systemRandom(16));
  const common = { owner, read: createPageReader(), isEnding: () => ending.signal.aborted };
  const outboxes: Outbox[] = [];
  for (const { name, place, from } of loaded.config.audits) {
    const delivery = await deliveryTo(place, loaded, ending.signal); // in order: few, once
    outboxes.push(createOutbox({ ...common, from, sink: { name: auditName(name), ...delivery } }));
  }
  for (const one of loaded.config.notifies) {
    const sink = await notifierOf(one, loaded, ending.signal); // in order: few, once
    outboxes.push(createOutbox({ ...common, from: "now", sink }));
  }
  return {
    begin: async (world) => {
      for (const outbox of outboxes) await outbox.begin(world); // in order: few, once
    },
    start: (world) => started(outboxes, ending, world),
  };
}

function started(outboxes: readonly Outbox[], ending: AbortController, world: World): () => Promise<void> {
  const timer = setInterval(() => {
    for (const outbox of outboxes) void outbox.turn(world);
  }, TURN_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    ending.abort();
    await Promise.allSettled(outboxes.map((outbox) => outbox.leave(world))); // a store that is away ends no later
  };
}

async function notifierOf(
  { name, place, acts }: NotifyConfig,
  loaded: LoadedConfig,
  signal: AbortSignal,
): Promise<Sink> {
  return {
    name: notifyName(name),
    eventOf: (entry, page, world) => notificationOf(entry, page, { name, acts }, world),
    ...(await deliveryTo(place, loaded, signal)),
  };
}

type Delivery = Pick<Sink, "deliver" | "atOnce">;

/** The code of each kind is loaded where one is configured. */
async function deliveryTo(place: SinkPlace, { at }: LoadedConfig, signal: AbortSignal): Promise<Delivery> {
  switch (place.kind) {
    case "file": {
      const { appendEvents } = await import("../../sinks/file.ts");
      return { deliver: (events) => appendEvents(at(place.path), events) };
    }
    case "command": {
      const { runForEvent } = await import("../../sinks/command.ts");
      const parts = { words: place.words, timeoutMs: COMMAND_TIMEOUT_MS, signal };
      return { atOnce: 1, deliver: async ([event]) => event && runForEvent(event, parts) };
    }
    case "syslog": {
      const { sendToSyslog } = await import("../../sinks/syslog.ts");
      const { address } = place;
      const parts = { place: address, hostname: hostname(), timeoutMs: TIMEOUT_MS, signal };
      const trust = await authoritiesOf(place, at);
      return { deliver: (events) => sendToSyslog(events, { ...parts, ...trust }) };
    }
    case "webhook": {
      const { postEvents } = await import("../../sinks/webhook.ts");
      const { url, keyFile } = place;
      const parts = { url, hmac: nodePrimitives.hmac, now: systemNow, timeoutMs: TIMEOUT_MS, signal };
      const [key, trust] = [await keyOf(at(keyFile)), await authoritiesOf(place, at)];
      return { deliver: (events) => postEvents(events, { ...parts, key, ...trust }) };
    }
    default:
      return place satisfies never;
  }
}

/** A line of a file, without its end. */
async function keyOf(file: string): Promise<Uint8Array> {
  const text = parseUtf8(await bytesOf(file))?.replace(/\r?\n$/, "") ?? "";
  const key = new TextEncoder().encode(text);
  if (key.length >= MIN_KEY_BYTES) return key;
  throw new Fault(
    "config/invalid",
    `expected a key of ${MIN_KEY_BYTES} bytes at least: \`openssl rand -hex 32\``,
    {
      path: file,
    },
  );
}

async function authoritiesOf({ caFile }: { readonly caFile?: string }, at: LoadedConfig["at"]) {
  return caFile === undefined ? {} : { authorities: await pemOf(at(caFile)) };
}
