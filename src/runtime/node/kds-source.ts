/** How does a broker on Node reach the key server that it may ask? */
import { setTimeout as sleep } from "node:timers/promises";
import type { EndorsementSource } from "../../broker/world.ts";
import type { KdsConfig } from "../config.ts";
import { createKdsSource } from "../kds-source.ts";
import { systemNow } from "./clock.ts";

export function createNodeKdsSource(config: KdsConfig): EndorsementSource {
  return createKdsSource(config, {
    fetch: globalThis.fetch,
    sleep: (milliseconds) => sleep(milliseconds),
    random: Math.random,
    now: systemNow,
  });
}
