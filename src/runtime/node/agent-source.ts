/** Of what is the daemon's source made on Node? Its brokers, its clocks, its key, and the memory that the file asks for. */
import { setTimeout as sleep } from "node:timers/promises";
import { type AttestedSource, createAttestedSource, type SourceParts } from "../../agent/attested-source.ts";
import { createTokenHolder } from "../../agent/held-token.ts";
import { type CachePlan, createSecretCache } from "../../agent/secret-cache.ts";
import { Fault } from "../../base/fault.ts";
import { type AgentOptions, agentOptionsOf, type SecretRequest } from "../../cli/agent-session.ts";
import { Misuse } from "../../cli/command.ts";
import { atAnyBroker } from "../../client/at-broker.ts";
import type { FetchParts } from "../../client/fetch.ts";
import { giveBack } from "../../client/give-back.ts";
import { spreadStart } from "../../client/retry.ts";
import { useTransitKey } from "../../client/transit.ts";
import { writeSecret } from "../../client/write.ts";
import { MAX_ITEMS } from "../../wire/limits.ts";
import type { AgentConfig } from "../agent-config.ts";
import { type NodeAgentParts, wayFor } from "./agent-way.ts";
import { systemNow } from "./clock.ts";
import { makeGuestSigner } from "./guest-key.ts";

export interface SourceEyes {
  /** Told what failed, before each wait. */
  readonly onWait: SecretRequest["onWait"];
  readonly onRead: SourceParts["onRead"];
  /** Ends what waits for a broker. */
  readonly signal: AbortSignal;
}

/** Reads within it become one release, and no two releases begin closer together. */
const SPACING_MS = 100;
const REFUSAL_MS = 1000;
const GIVE_BACK_MS = 5000;

/** @throws {@link Fault} `config/invalid`, `file/unusable`, `provider/unavailable`. */
export async function createSource(
  options: AgentOptions,
  parts: NodeAgentParts,
  { onWait, onRead, signal }: SourceEyes,
  wanted?: CachePlan,
): Promise<AttestedSource> {
  const { plan, fetchParts } = await wayFor({ options, onWait }, parts);
  const asking = endedBy(signal, fetchParts);
  const run = atAnyBroker(plan, asking, () => spreadStart(options.spreadSeconds * 1000, asking.retry));
  const milliseconds = (): number => performance.now();
  const withToken = createTokenHolder({ run, key: makeGuestSigner(), milliseconds });
  const clocks = { milliseconds, now: systemNow, after };
  return createAttestedSource(
    {
      run,
      ...(wanted === undefined ? {} : { cache: createSecretCache(wanted, clocks) }),
      transit: (path, item) =>
        withToken(({ token, ...place }) => useTransitKey({ path, items: [item], token }, place, fetchParts)),
      write: (path, secret, cas) =>
        withToken(({ token, ...place }) =>
          writeSecret({ path, secret, token, ...(cas === undefined ? {} : { cas }) }, place, fetchParts),
        ),
      giveBack: (lease) =>
        giveBack({ ...plan, deadlineMs: GIVE_BACK_MS, key: makeGuestSigner() }, lease, fetchParts),
      sleep: (time) => sleep(time),
      ...clocks,
      onRead,
    },
    { spacingMs: SPACING_MS, maxItems: MAX_ITEMS, refusalMs: REFUSAL_MS },
  );
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
