/** How is AMD's key server asked? Seldom: one request per certificate, few at once, one retry, and quiet after a 429. */
import { type EndorsementFile, parseEndorsementFile } from "../attestation/endorsement/pem.ts";
import { Fault, isFault } from "../base/fault.ts";
import { addSeconds, type Instant } from "../base/time.ts";
import type { EndorsementSource } from "../broker/world.ts";
import { type AskParts, createAsk } from "./ask.ts";
import { chainPath, crlPath, vcekPath } from "./urls.ts";

export interface KdsOptions extends AskParts {
  /** Asked in this order until one answers; without trailing slashes. A mirror stands first. */
  readonly baseUrls: readonly string[];
  readonly now: () => Instant;
  /** Told what became of each request, at whichever address. */
  readonly count?: (outcome: FetchOutcome) => void;
}

export type FetchOutcome = "found" | "absent" | "slow-down" | "failed";

/** Certificates in flight at once (PROTOCOL section 11). */
const MAX_IN_FLIGHT = 4;
const DEFAULT_BACK_OFF_SECONDS = 30;
/** Who says both "too many requests" and "at once" is not taken at the second word. */
const MIN_BACK_OFF_SECONDS = 1;
const MAX_BACK_OFF_SECONDS = 600;

/**
 * Makes the source. Concurrent needs for one URL share one request. Nothing is cached: what was proven is kept by the broker.
 *
 * @returns Calls that throw {@link Fault} `endorsement/unavailable` alone; a VCEK that the server does not know is `undefined`.
 */
export function createKds(options: KdsOptions): EndorsementSource {
  const ask = createAsk(options);
  const flying = new Map<string, Promise<EndorsementFile | undefined>>();
  const quietUntil = new Map<string, Instant>();

  return {
    vcek: async (product, chipId, tcb) => {
      const file = await once(vcekPath(product, chipId, tcb));
      return file === undefined ? undefined : onlyOne(file.certificates);
    },
    intermediates: async (product, kind) => onlyPair((await must(chainPath(product, kind))).certificates),
    crl: async (product, kind) => onlyOne((await must(crlPath(product, kind))).crls),
  };

  async function must(path: string): Promise<EndorsementFile> {
    const file = await once(path);
    if (file === undefined) throw unavailable("AMD's key server does not know this path");
    return file;
  }

  /** Single flight: whoever comes while the answer is under way waits for the same one. */
  function once(path: string): Promise<EndorsementFile | undefined> {
    const known = flying.get(path);
    if (known !== undefined) return known;
    if (flying.size >= MAX_IN_FLIGHT)
      return Promise.reject(unavailable("too many requests to AMD's key server are under way"));
    const asked = askInTurn(path).finally(() => flying.delete(path));
    flying.set(path, asked);
    return asked;
  }

  /** A mirror may lack what AMD has: only the last one's word that there is no such thing counts. */
  async function askInTurn(path: string): Promise<EndorsementFile | undefined> {
    let last: Fault | "absent" = unavailable("expected an address of a key server");
    for (const base of options.baseUrls) {
      const outcome = await askOne(base, path); // in order: the mirror first
      if (outcome !== "absent" && !isFault(outcome)) return outcome;
      last = outcome;
    }
    if (last === "absent") return undefined;
    throw last;
  }

  async function askOne(base: string, path: string): Promise<EndorsementFile | "absent" | Fault> {
    const quiet = (quietUntil.get(base) ?? 0) - options.now();
    if (quiet > 0) return patience(quiet);
    const answer = await ask(`${base}${path}`);
    options.count?.(answer.kind);
    if (answer.kind === "found") return read(answer.bytes);
    if (answer.kind === "absent") return "absent";
    if (answer.kind === "failed") return unavailable(answer.reason);
    const asked = answer.seconds ?? DEFAULT_BACK_OFF_SECONDS;
    const seconds = Math.min(Math.max(asked, MIN_BACK_OFF_SECONDS), MAX_BACK_OFF_SECONDS);
    quietUntil.set(base, addSeconds(options.now(), seconds));
    return patience(seconds);
  }
}

/** For how long stands beside it, so that a broker keeps to it after a restart as well (`broker/patient-source.ts`). */
function patience(seconds: number): Fault {
  return new Fault("endorsement/unavailable", "AMD's key server asks for patience", { patience: seconds });
}

/** What is no certificate or CRL, HTML with status 200 for one, is no answer. */
function read(bytes: Uint8Array): EndorsementFile | Fault {
  try {
    return parseEndorsementFile(bytes);
  } catch (thrown) {
    if (isFault(thrown))
      return unavailable("AMD's key server answered something that is no certificate or CRL");
    throw thrown;
  }
}

function onlyOne(ders: readonly Uint8Array[]): Uint8Array {
  const [der, ...more] = ders;
  if (der === undefined || more.length > 0)
    throw unavailable("AMD's key server answered another kind of thing");
  return der;
}

/** An intermediate and its ARK; a chain that brings more would be kept with what nobody has proven. */
function onlyPair(ders: readonly Uint8Array[]): readonly Uint8Array[] {
  if (ders.length !== 2) throw unavailable("AMD's key server answered another kind of chain");
  return ders;
}

function unavailable(reason: string): Fault {
  return new Fault("endorsement/unavailable", reason);
}
