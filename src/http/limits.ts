/** How much may a stranger send, and how often? A cap while the body is read, and token buckets for challenges. */
import { concatBytes } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";

/**
 * Reads a body without ever holding much more than the cap. A length that is announced too large is refused unread; one that
 * is announced wrongly, or not at all, is counted while it is read.
 *
 * @throws {@link Fault} `request/too-large`; `request/malformed` where the body breaks off.
 */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  const announced = announcedLength(request);
  if (announced !== undefined && announced > maxBytes) throw tooLarge(maxBytes);
  try {
    // A server never reads past an announced length, so that the short way is safe; without one, piece by piece.
    const body =
      announced === undefined
        ? await readPieces(request, maxBytes)
        : new Uint8Array(await request.arrayBuffer());
    if (body.length > maxBytes) throw tooLarge(maxBytes);
    return body;
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    throw new Fault("request/malformed", "expected a whole body, it broke off", {}, thrown);
  }
}

function announcedLength(request: Request): number | undefined {
  const text = request.headers.get("content-length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

async function readPieces(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array(0);
  const pieces: Uint8Array[] = [];
  let size = 0;
  const reader = request.body.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    size += piece.value.length;
    if (size > maxBytes) {
      await reader.cancel();
      throw tooLarge(maxBytes);
    }
    pieces.push(piece.value);
  }
  return concatBytes(...pieces);
}

function tooLarge(maxBytes: number): Fault {
  return new Fault("request/too-large", `expected a body of at most ${maxBytes} bytes`);
}

export interface Rates {
  /** Per second, and as many at once; of a fraction, which one of several processes has, one at once. */
  readonly perSource: number;
  readonly perBroker: number;
}

/** What each of several processes may let through, so that all of them together keep to the rates. */
export function sharedRates({ perSource, perBroker }: Rates, processes: number): Rates {
  return { perSource: perSource / processes, perBroker: perBroker / processes };
}

/** Lets through, or answers after how many seconds to come again. */
export type RateLimit = (source: string) => { readonly isAllowed: true } | RateRefusal;

export interface RateRefusal {
  readonly isAllowed: false;
  readonly retryAfterSeconds: number;
}

interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

/** As many sources are remembered; the one unseen for longest is forgotten first, and the broker's own bucket still holds. */
const MAX_SOURCES = 10_000;

/** Makes a token bucket per source and one for the whole broker. `milliseconds` never runs backwards. */
export function createRateLimit(rates: Rates, milliseconds: () => number): RateLimit {
  const sources = new Map<string, Bucket>();
  let broker: Bucket = { tokens: depthOf(rates.perBroker), at: milliseconds() };
  return (source) => {
    const now = milliseconds();
    const name = sourceNetworkOf(source);
    const own = refilled(
      sources.get(name) ?? { tokens: depthOf(rates.perSource), at: now },
      rates.perSource,
      now,
    );
    broker = refilled(broker, rates.perBroker, now);
    const waits = [waitOf(own, rates.perSource), waitOf(broker, rates.perBroker)];
    const retryAfterSeconds = Math.max(...waits);
    const cost = retryAfterSeconds === 0 ? 1 : 0;
    broker = { ...broker, tokens: broker.tokens - cost };
    sources.delete(name);
    sources.set(name, { ...own, tokens: own.tokens - cost });
    forgetOldest(sources);
    return cost === 1 ? { isAllowed: true } : { isAllowed: false, retryAfterSeconds };
  };
}

/** Whoever has one IPv6 address has 2^64 of them: a /64 is one source. IPv4 in IPv6 is that IPv4 address. */
export function sourceNetworkOf(source: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(source)?.[1];
  if (mapped !== undefined) return mapped;
  if (!source.includes(":")) return source;
  const [head = "", tail] = source.toLowerCase().split("%", 1).join("").split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => "0"), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}

function refilled(bucket: Bucket, rate: number, now: number): Bucket {
  const gained = (Math.max(0, now - bucket.at) / 1000) * rate;
  return { tokens: Math.min(depthOf(rate), bucket.tokens + gained), at: now };
}

/** A bucket that never holds one lets nobody through. */
function depthOf(rate: number): number {
  return Math.max(1, rate);
}

function waitOf(bucket: Bucket, rate: number): number {
  return bucket.tokens >= 1 ? 0 : Math.max(1, Math.ceil((1 - bucket.tokens) / rate));
}

function forgetOldest(sources: Map<string, Bucket>): void {
  if (sources.size <= MAX_SOURCES) return;
  const [oldest] = sources.keys();
  if (oldest !== undefined) sources.delete(oldest);
}
