/** How does what this platform brings stand? The certificate of the listener, and how many processes there are. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Instant } from "../../base/time.ts";
import type { Part, Standing } from "../../broker/standing.ts";
import type { Config } from "../config.ts";
import type { LoadedConfig } from "./settings.ts";

const WARNING_SECONDS = 14 * 86_400;

export function platformStanding(
  { listen }: Config,
  { at, now }: { readonly at: LoadedConfig["at"]; readonly now: Instant },
): Standing {
  const processes = { name: "processes", labels: {}, value: listen.processes } as const;
  if (listen.tls === undefined) return { parts: [], figures: [processes] };
  const ends = endOf(at(listen.tls.certFile));
  if (ends === undefined) return { parts: [unreadable()], figures: [processes] };
  const expiry = {
    name: "certificate_expiry_seconds",
    labels: { certificate: "listener" },
    value: ends,
  } as const;
  return { parts: [partOf(ends - now)], figures: [processes, expiry] };
}

/** Of the file as it is now: what is served is the one before until SIGHUP. */
function endOf(file: string): number | undefined {
  try {
    return Math.floor(new X509Certificate(readFileSync(file)).validToDate.getTime() / 1000);
  } catch {
    return undefined;
  }
}

const PART = "certificate listener";
const NEXT = "put a new certificate in the place of the old one and send SIGHUP";

function partOf(left: number): Part {
  if (left > WARNING_SECONDS)
    return { part: PART, state: "ok", said: `good for ${Math.floor(left / 86_400)} days` };
  if (left > 0)
    return { part: PART, state: "warning", said: `good for ${Math.floor(left / 86_400)} days`, next: NEXT };
  return { part: PART, state: "failing", said: "it has ended: guests that check it do not come", next: NEXT };
}

function unreadable(): Part {
  return { part: PART, state: "warning", said: "the file is not to be read now", next: NEXT };
}
