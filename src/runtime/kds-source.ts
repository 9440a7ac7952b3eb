/** Which key server does the configuration name? AMD's, behind a mirror where there is one, or none at all. */
import type { EndorsementSource } from "../broker/world.ts";
import { createKds, type KdsOptions } from "../kds/client.ts";
import { NO_SOURCE } from "../kds/no-source.ts";
import type { KdsConfig } from "./config.ts";

/** What a platform brings. */
export type KdsParts = Pick<KdsOptions, "fetch" | "sleep" | "now" | "random" | "count">;

export function createKdsSource(config: KdsConfig, parts: KdsParts): EndorsementSource {
  const { isEnabled, mirror, url, timeoutSeconds } = config;
  if (!isEnabled) return NO_SOURCE;
  const baseUrls = mirror === undefined ? [url] : [mirror, url];
  return createKds({ ...parts, baseUrls, timeoutMs: timeoutSeconds * 1000 });
}
