/** Where do spans of requests go? To the collector that the configuration names; without one this file is not even read. */
import { parseUtf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { World } from "../../broker/world.ts";
import type { TimedRequest } from "../../http/timeline.ts";
import { postJson } from "../../sinks/post.ts";
import { createSpanQueue } from "../../sinks/span-queue.ts";
import type { TraceConfig } from "../sink-config.ts";
import { systemRandom } from "./clock.ts";
import { bytesOf, pemOf } from "./named-files.ts";
import type { LoadedConfig } from "./settings.ts";

const FLUSH_MS = 1000;
const TIMEOUT_MS = 5000;

export interface Tracing {
  readonly tell: (request: TimedRequest) => void;
  /** Sends what waits, once, and no longer than one request may take. */
  readonly stop: () => Promise<void>;
}

/** @throws {@link Fault} `file/unusable`, `config/invalid`. */
export async function startTracing(
  plan: TraceConfig,
  at: LoadedConfig["at"],
  { meter, version }: Pick<World, "meter"> & { readonly version: string },
): Promise<Tracing> {
  const headers = plan.headerFile === undefined ? {} : headerOf(await pemOf(at(plan.headerFile)));
  const authorities = plan.caFile === undefined ? undefined : parseUtf8(await bytesOf(at(plan.caFile)));
  const parts = {
    headers,
    timeoutMs: TIMEOUT_MS,
    signal: new AbortController().signal,
    whom: "the collector",
    ...(authorities === undefined ? {} : { authorities }),
  };
  const queue = createSpanQueue({
    ...plan,
    random: systemRandom,
    milliseconds: () => performance.now(),
    nanosecondsOf: (milliseconds) =>
      BigInt(Math.round((performance.timeOrigin + milliseconds) * 1000)) * 1000n,
    resource: {
      "service.name": "ostiary",
      "service.version": version,
      "service.instance.id": `${process.pid}`,
    },
    count: (outcome, spans) => meter.count("spans", { outcome }, spans),
    send: async (body) => {
      const status = await postJson(plan.endpoint, body, parts);
      if (status < 200 || status > 299)
        throw new Fault("sink/unreachable", `the collector answers ${status}`);
    },
  });
  const timer = setInterval(() => void queue.flush(), FLUSH_MS);
  timer.unref();
  return {
    tell: queue.tell,
    stop: async () => {
      clearInterval(timer);
      await queue.flush();
    },
  };
}

/** One line `NAME: VALUE`, as a collector asks for it. */
function headerOf(text: string): Readonly<Record<string, string>> {
  const [, name, value] = /^([A-Za-z0-9-]{1,64}): ([ -~]{1,4096})\n?$/.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return { [name.toLowerCase()]: value };
  throw new Fault("config/invalid", "expected `header_file` to hold one line, NAME: VALUE");
}
