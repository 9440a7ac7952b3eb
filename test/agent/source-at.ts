/** What is a daemon's source in a test? The one of `ostiary agent serve`, in this process, on a simulated chip whose reports are counted. */
import type { AttestedSource, ReadOutcome } from "../../src/agent/attested-source.ts";
import type { CachePlan } from "../../src/agent/secret-cache.ts";
import { agentOptionsOf } from "../../src/cli/agent-session.ts";
import { createSource } from "../../src/runtime/node/agent-source.ts";
import { createSimulatorProvider } from "../../src/runtime/node/simulator-provider.ts";
import type { DemoBroker } from "./demo-broker.ts";

export const CACHE = { maxAgeMs: 60_000, staleMs: 0, maxEntries: 8, maxBytes: 1024 };

let reports = 0;
export const reportsMade = (): number => reports;

export interface Sourced {
  readonly source: AttestedSource;
  readonly outcomes: ReadOutcome[];
  readonly renewals: ("secrets" | "token")[];
  readonly stop: AbortController;
}

export interface SourcePlan {
  readonly cache?: CachePlan;
  readonly deadline?: string;
  readonly attestsAlways?: true;
  readonly sendsPosture?: true;
  /** Of another copy of the guest. */
  readonly reportId?: Uint8Array;
}

export async function sourceAt(
  broker: DemoBroker,
  { cache, deadline = "20", reportId, attestsAlways, sendsPosture }: SourcePlan = {},
): Promise<Sourced> {
  const options = agentOptionsOf({
    broker: [broker.url],
    audience: broker.audience,
    "signing-key": broker.signingKeyFile,
    provider: "simulator",
    "simulator-dir": broker.machine,
    deadline,
    ...(attestsAlways === undefined ? {} : { "attest-always": true }),
    ...(sendsPosture === undefined ? {} : { posture: true }),
  });
  const [outcomes, stop]: [ReadOutcome[], AbortController] = [[], new AbortController()];
  const renewals: ("secrets" | "token")[] = [];
  const counting = async (folder: string, plan: { readonly vmpl: 0 | 1 | 2 | 3 }) => {
    const provider = createSimulatorProvider(folder, {
      ...plan,
      ...(reportId === undefined ? {} : { reportId }),
    });
    const attest: typeof provider.attest = (binder) => {
      reports += 1;
      return provider.attest(binder);
    };
    return { ...provider, attest };
  };
  const eyes = {
    onWait: () => undefined,
    onRead: (outcome: ReadOutcome) => void outcomes.push(outcome),
    onReport: () => undefined,
    onRenewal: (what: "secrets" | "token") => void renewals.push(what),
    signal: stop.signal,
  };
  const plan = cache === undefined ? {} : { cache };
  return {
    source: await createSource(options, { simulator: counting }, eyes, plan),
    outcomes,
    renewals,
    stop,
  };
}
