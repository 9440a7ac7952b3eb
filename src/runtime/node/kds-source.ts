/** Which key server does a broker on Node ask? AMD's, behind a mirror where the configuration names one. */
import { setTimeout as sleep } from "node:timers/promises";
import type { EndorsementSource } from "../../broker/world.ts";
import { createKds } from "../../kds/client.ts";
import type { KdsConfig } from "../config.ts";
import { systemNow } from "./clock.ts";

export function createKdsSource(config: KdsConfig): EndorsementSource {
  return createKds({
    baseUrls: [...(config.mirror === undefined ? [] : [config.mirror]), config.url],
    fetch: globalThis.fetch,
    sleep: async (milliseconds) => {
      await sleep(milliseconds);
    },
    random: Math.random,
    timeoutMs: config.timeoutSeconds * 1000,
    now: systemNow,
  });
}
