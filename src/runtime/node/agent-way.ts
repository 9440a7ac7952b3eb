/** Which way has a guest on Node to its brokers? What the options say, as what a session needs. */
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { Fault } from "../../base/fault.ts";
import type { AgentOptions, SecretRequest } from "../../cli/agent-session.ts";
import type { EvidenceOptions } from "../../cli/evidence-options.ts";
import type { FetchParts, FetchPlan } from "../../client/fetch.ts";
import { spreadStart } from "../../client/retry.ts";
import type { Vmpl } from "../../wire/messages.ts";
import { brokersOf, fetchPartsOf, knownByFiles } from "./asking.ts";
import type { BrokerAddress } from "./broker-way.ts";
import { besideHostVtpm, openProvider } from "./providers.ts";

export interface NodeAgentParts {
  /** The simulated machine of a folder; a production agent has none. */
  readonly simulator?: (folder: string, plan: { readonly vmpl: Vmpl }) => Promise<EvidenceProvider>;
}

/** What a guest asks by: whom it trusts, for how long it asks, and who makes its evidence. */
export interface GuestWay {
  readonly plan: Omit<FetchPlan, "want">;
  readonly fetchParts: FetchParts;
}

/** The way, at the moment that its spread drew. @throws {@link Fault} as {@link wayFor}. */
export async function preparedFor(request: WayRequest, parts: NodeAgentParts): Promise<GuestWay> {
  const way = await wayFor(request, parts);
  await spreadStart(request.options.spreadSeconds * 1000, way.fetchParts.retry);
  return way;
}

type WayRequest = Pick<SecretRequest, "options" | "onWait">;

/** Reads what the options name; asks nobody. @throws {@link Fault} `file/unusable`, `config/invalid`, `provider/unavailable`. */
export async function wayFor({ options, onWait }: WayRequest, parts: NodeAgentParts): Promise<GuestWay> {
  const provider = await providerOf(options, parts);
  const fetchParts = { ...fetchPartsOf(provider, onWait), ...postureOf(options) };
  const brokers = await brokersFor(options);
  return { plan: { brokers, deadlineMs: options.deadlineSeconds * 1000 }, fetchParts };
}

/** Loaded when it is looked: most guests say nothing of themselves. */
function postureOf({ sendsPosture }: AgentOptions): Pick<FetchParts, "posture"> {
  if (!sendsPosture) return {};
  return { posture: async () => (await import("./machine-posture.ts")).lookAtMachine() };
}

/** Every broker that the options name. @throws {@link Fault} `file/unusable`, `config/invalid`. */
export async function brokersFor(options: AgentOptions): Promise<FetchPlan["brokers"]> {
  const addresses = await Promise.all([options, ...options.others].map(addressesOf));
  return brokersOf(addresses.flat());
}

/** Brokers of one cluster: each is known by the same. */
async function addressesOf(options: BrokerOptions): Promise<readonly BrokerAddress[]> {
  const { brokers, audience, suite, binding, brokerPolicy } = options;
  const known = await knownByFiles(options);
  const policy = brokerPolicy === undefined ? {} : { brokerPolicy };
  return brokers.map((url) => ({ url, audience, suite, binding, ...policy, ...known }));
}

type BrokerOptions = AgentOptions["others"][number];

/** @throws {@link Fault} `provider/unavailable`, `tpm/…`. */
export async function providerOf(options: EvidenceOptions, parts: NodeAgentParts): Promise<EvidenceProvider> {
  const reporter = await reporterOf(options, parts);
  return options.asksHostVtpm === true ? besideHostVtpm(reporter, options) : reporter;
}

async function reporterOf(
  options: EvidenceOptions,
  { simulator }: NodeAgentParts,
): Promise<EvidenceProvider> {
  const { provider, vmpl, simulatorFolder } = options;
  if (provider !== "simulator") return openProvider({ ...options, name: provider });
  if (simulator === undefined || simulatorFolder === undefined) {
    throw new Fault("provider/unavailable", "this agent has no simulator");
  }
  return simulator(simulatorFolder, { vmpl: vmpl ?? 0 });
}
