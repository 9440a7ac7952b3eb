/** How does a broker on Node reach the key server that it may ask? */
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../../base/log.ts";
import type { EndorsementSource, Meter } from "../../broker/world.ts";
import { createFirmwareSource, type FirmwareSource } from "../../kds/firmware.ts";
import type { KdsConfig } from "../config.ts";
import { createKdsSource, type KdsParts } from "../kds-source.ts";
import { systemNow } from "./clock.ts";

const PARTS: KdsParts = {
  fetch: globalThis.fetch,
  sleep: (milliseconds) => sleep(milliseconds),
  random: Math.random,
  now: systemNow,
};

export function createNodeKdsSource(config: KdsConfig, meter?: Meter): EndorsementSource {
  const count = (outcome: string): void => meter?.count("endorsement_fetches", { outcome });
  return createKdsSource(config, { ...PARTS, count });
}

/** Google's bucket, or a mirror of it. */
export function createNodeFirmwareSource(baseUrl: string, timeoutSeconds: number, log: Log): FirmwareSource {
  return createFirmwareSource({ ...PARTS, baseUrl, timeoutMs: timeoutSeconds * 1000, log });
}
