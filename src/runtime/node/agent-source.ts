/** Of what is the daemon's source made on Node? Its brokers, its clocks, its key, and the memory that the file asks for. */
import { setTimeout as sleep } from "node:timers/promises";
import { type AttestedSource, createAttestedSource, type SourceParts } from "../../agent/attested-source.ts";
import type { Health } from "../../agent/health.ts";
import { createTokenHolder, type TokenHolder, type TokenPlace } from "../../agent/held-token.ts";
import { createRenewedReads } from "../../agent/renewed-reads.ts";
import { type CachePlan, createSecretCache } from "../../agent/secret-cache.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { Fault } from "../../base/fault.ts";
import { type AgentOptions, agentOptionsOf, type SecretRequest } from "../../cli/agent-session.ts";
import { Misuse } from "../../cli/command.ts";
import { atAnyBroker, type RunAtBroker } from "../../client/at-broker.ts";
import type { FetchParts } from "../../client/fetch.ts";
import { giveBack } from "../../client/give-back.ts";
import { renew, renewToken } from "../../client/renew.ts";
import { spreadStart } from "../../client/retry.ts";
import { useTransitKey } from "../../client/transit.ts";
import { writeSecret } from "../../client/write.ts";
import { MAX_ITEMS } from "../../wire/limits.ts";
import type { WantedItem } from "../../wire/messages.ts";
import type { AgentConfig } from "../agent-config.ts";
import { type NodeAgentParts, wayFor } from "./agent-way.ts";
import { systemNow } from "./clock.ts";
import { makeGuestSigner } from "./guest-key.ts";

export interface SourceEyes {
  /** Told what failed, before each wait. */
  readonly onWait: SecretRequest["onWait"];
  readonly onRead: SourceParts["onRead"];
  readonly onReport: Health["onReport"];
  readonly onRenewal: Health["onRenewal"];
  /** Ends what waits for a broker. */
  readonly signal: AbortSignal;
}

/** Reads within it become one release, and no two releases begin closer together. */
const SPACING_MS = 100;
const REFUSAL_MS = 1000;
const GIVE_BACK_MS = 5000;

export interface SourcePlan {
  /** A memory, where the operator asked for one. */
  readonly cache?: CachePlan;
  /** Whether secrets are read once, so that a token would serve nothing. */
  readonly readsOnce?: boolean;
}

/** @throws {@link Fault} `config/invalid`, `file/unusable`, `provider/unavailable`. */
export async function createSource(
  options: AgentOptions,
  parts: NodeAgentParts,
  eyes: SourceEyes,
  { cache: wanted, readsOnce = false }: SourcePlan = {},
): Promise<AttestedSource> {
  const { plan, fetchParts: plain } = await wayFor({ options, onWait: eyes.onWait }, parts);
  const fetchParts = { ...plain, provider: counted(plain.provider, eyes.onReport) };
  const asking = endedBy(eyes.signal, fetchParts);
  const run = atAnyBroker(plan, asking, () => spreadStart(options.spreadSeconds * 1000, asking.retry));
  const milliseconds = (): number => performance.now();
  const clocks = { milliseconds, now: systemNow, after };
  const tokens = tokensOf(run, options, { fetchParts, eyes });
  const reads = {
    run,
    tokens,
    milliseconds,
    renew: async (want: readonly WantedItem[], { token, ...place }: TokenPlace) => {
      const fetched = await renew({ want, token }, place, fetchParts);
      eyes.onRenewal("secrets");
      return fetched;
    },
  };
  return createAttestedSource(
    {
      readSecrets:
        readsOnce || attestsAlways(options)
          ? (want) => run(({ session }) => session.release(want))
          : createRenewedReads(reads),
      ...(wanted === undefined ? {} : { cache: createSecretCache(wanted, clocks) }),
      ...byToken(tokens, fetchParts),
      giveBack: (lease) =>
        giveBack({ ...plan, deadlineMs: GIVE_BACK_MS, key: makeGuestSigner() }, lease, fetchParts),
      sleep: (time) => sleep(time),
      ...clocks,
      onRead: eyes.onRead,
      onClose: tokens.close,
    },
    { spacingMs: SPACING_MS, maxItems: MAX_ITEMS, refusalMs: REFUSAL_MS },
  );
}

/** Where evidence is carried by the certificate of its connection (ra-tls), a token serves that one alone. */
function attestsAlways({ attestsAlways: always, binding, others }: AgentOptions): boolean {
  return always || [binding, ...others.map((other) => other.binding)].includes(1);
}

function tokensOf(
  run: RunAtBroker,
  options: AgentOptions,
  { fetchParts, eyes }: { readonly fetchParts: FetchParts; readonly eyes: SourceEyes },
): TokenHolder {
  const renewing = async ({ token, ...place }: TokenPlace): Promise<string> => {
    const fresh = await renewToken(token, place, fetchParts);
    eyes.onRenewal("token");
    return fresh;
  };
  return createTokenHolder({
    run,
    key: makeGuestSigner(),
    ...(attestsAlways(options) ? {} : { renew: renewing }),
    milliseconds: () => performance.now(),
    after,
    random: Math.random,
  });
}

function byToken(tokens: TokenHolder, fetchParts: FetchParts): Pick<SourceParts, "transit" | "write"> {
  return {
    transit: (path, item) =>
      tokens.run(({ token, ...place }) => useTransitKey({ path, items: [item], token }, place, fetchParts)),
    write: (path, secret, cas) =>
      tokens.run(({ token, ...place }) =>
        writeSecret({ path, secret, token, ...(cas === undefined ? {} : { cas }) }, place, fetchParts),
      ),
  };
}

function counted(provider: EvidenceProvider, onReport: () => void): EvidenceProvider {
  const attest: EvidenceProvider["attest"] = (binder) => {
    onReport();
    return provider.attest(binder);
  };
  return { ...provider, attest };
}

/** An end counts for what is under way and for what is waited for. */
function endedBy(signal: AbortSignal, { signalAfter, retry, ...parts }: FetchParts): FetchParts {
  return {
    ...parts,
    signalAfter: (time) => AbortSignal.any([signal, signalAfter(time)]),
    retry: { ...retry, sleep: (time) => sleep(time, undefined, { signal }).catch(ended) },
  };
}

function ended(): never {
  throw new Fault("broker/unreachable", "expected to be let wait; this agent ends");
}

/** What the schema let through and a verb would call misuse is a problem of the file. @throws {@link Fault} `config/invalid`. */
export function optionsOf([first, ...others]: AgentConfig["brokers"]) {
  try {
    return agentOptionsOf(first, others);
  } catch (thrown) {
    if (thrown instanceof Misuse) throw new Fault("config/invalid", `the configuration: ${thrown.message}`);
    throw thrown;
  }
}

function after(milliseconds: number, then: () => void) {
  const timer = setTimeout(then, milliseconds);
  timer.unref();
  return { cancel: () => clearTimeout(timer) };
}
