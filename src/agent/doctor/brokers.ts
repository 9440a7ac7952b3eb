/** Which brokers are reached, whom are they, and what time have they? Each is asked once; none is shown evidence of this guest. */
import { equalBytes } from "../../base/bytes.ts";
import { Fault, isFault } from "../../base/fault.ts";
import { formatInstant, type Instant, instant } from "../../base/time.ts";
import { type Answer, readAnswer } from "../../client/bounded-fetch.ts";
import type { BrokerWay } from "../../client/fetch.ts";
import { openSession, type SessionParts } from "../../client/session.ts";
import type { BrokerDescription } from "../../wire/messages.ts";
import { decodeBrokerDescription } from "../../wire/well-known.ts";
import { type Finding, finding } from "./finding.ts";

export interface BrokersPlan {
  readonly ways: readonly BrokerWay[];
  readonly parts: Omit<SessionParts, "open">;
  readonly signalAfter: (milliseconds: number) => AbortSignal;
}

const ANSWER_MS = 8000;

export async function brokerFindings(plan: BrokersPlan): Promise<readonly Finding[]> {
  if (plan.ways.length === 0) {
    const next = "name them: --broker, --audience and --signing-key, or --config";
    return [
      finding("broker.reachable", "note", { seen: "no broker was named", expected: "brokers to ask", next }),
    ];
  }
  return (await Promise.all(plan.ways.map((way) => oneBroker(way, plan)))).flat();
}

async function oneBroker(way: BrokerWay, plan: BrokersPlan): Promise<readonly Finding[]> {
  const expected = "a broker that answers, and is who it has to be";
  try {
    const met = await meet(way, plan);
    const proven =
      met.tier === 0
        ? "not proven: its key has to be pinned"
        : `proven by its own evidence, tier ${met.tier}`;
    const seen = `${way.url}: ${proven}`;
    const ok = finding("broker.reachable", "ok", { seen, expected });
    return [ok, identityFinding(way, met.described), ...clockFindings(way, met.date, plan.parts.now())];
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    const reason = thrown.detail["reason"] ?? thrown.detail["status"];
    const seen = `${way.url}: ${thrown.code}${reason === undefined ? "" : ` (${reason})`}`;
    return [
      finding("broker.reachable", "error", {
        seen,
        expected,
        next: `${thrown.message}; docs/errors.md has the next step`,
      }),
    ];
  }
}

interface Met {
  readonly tier: 0 | 1 | 2;
  readonly described: BrokerDescription;
  readonly date: string | undefined;
}

/** A challenge, a proof where one is expected, and what the broker says of itself. */
async function meet(way: BrokerWay, { parts, signalAfter }: BrokersPlan): Promise<Met> {
  const session = await openSession(way.broker, { ...parts, open: way.open }, signalAfter(ANSWER_MS));
  try {
    const answer = await session.fetch("/.well-known/ostiary").catch(unreachable);
    const described = decodeBrokerDescription(await readAnswer(answer));
    return { tier: session.broker?.tier ?? 0, described, date: answer.headers.get("date") ?? undefined };
  } finally {
    session.close();
  }
}

function unreachable(thrown: unknown): Answer {
  if (isFault(thrown)) throw thrown;
  throw new Fault("broker/unreachable", "expected the broker to describe itself", {}, thrown);
}

/** Hints, which it gives to anybody: where they are others than what this guest trusts, every release would be refused. */
function identityFinding({ url, broker }: BrokerWay, described: BrokerDescription): Finding {
  const { audience, signingKey } = broker;
  const isKnown = signingKey === undefined || equalBytes(signingKey, described.signingKey.spki);
  const isSame = audience === described.audience && isKnown;
  const what = isKnown ? `the audience ${described.audience}` : "another signing key than the pinned one";
  return finding("broker.identity", isSame ? "ok" : "error", {
    seen: `${url}: it says that it has ${what}`,
    expected: `the audience ${audience}${signingKey === undefined ? "" : " and the pinned signing key"}`,
    next: "compare --audience and --signing-key with the broker's configuration; if they are right, this is another broker",
  });
}

/** A proof of the broker's may be as early as this (client/appraise-broker.ts). */
const SKEW_SECONDS = 60;
const WRONG_SECONDS = 300;

function clockFindings({ url }: BrokerWay, date: string | undefined, now: Instant): readonly Finding[] {
  const at = Date.parse(date ?? "");
  if (Number.isNaN(at)) return [];
  const theirs = instant(Math.floor(at / 1000));
  const apart = Math.abs(now - theirs);
  const severity = apart > WRONG_SECONDS ? "error" : apart > SKEW_SECONDS ? "warning" : "ok";
  return [
    finding("clock.broker", severity, {
      seen: `here ${formatInstant(now)}, at ${url} ${formatInstant(theirs)}`,
      expected: `clocks less than ${SKEW_SECONDS} s apart`,
      next: "set this guest's clock (its host gave it at the start), then look at the broker's: certificates, proofs and tokens have dates",
    }),
  ];
}
