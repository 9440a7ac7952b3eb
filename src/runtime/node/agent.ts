/** `ostiary agent` on Node: the kernel's provider, native cryptography; a simulator only where one is handed in. */
import { writeSecrets } from "../../agent/output.ts";
import { unlock } from "../../agent/unlock.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { Fault } from "../../base/fault.ts";
import type { AgentOptions, FetchSecrets, FetchToken, SecretRequest } from "../../cli/agent-session.ts";
import type { Command } from "../../cli/command.ts";
import { createAgentCommand } from "../../cli/commands/agent.ts";
import type { ConfirmUse } from "../../cli/commands/agent-confirm.ts";
import type { GiveBack } from "../../cli/commands/agent-give-back.ts";
import type { PutSecret } from "../../cli/commands/agent-put.ts";
import type { TransitEdges } from "../../cli/commands/agent-transit.ts";
import { confirmVersion } from "../../client/confirm.ts";
import { type FetchParts, type FetchPlan, fetchSecrets, overSessions } from "../../client/fetch.ts";
import { fetchToken } from "../../client/fetch-token.ts";
import { giveBack } from "../../client/give-back.ts";
import { spreadStart } from "../../client/retry.ts";
import { createTransitClient } from "../../client/transit-client.ts";
import { putSecret } from "../../client/write.ts";
import type { Vmpl } from "../../wire/messages.ts";
import { brokersOf, fetchPartsOf, knownByFiles } from "./asking.ts";
import { type BrokerAddress, kernelProvider } from "./client.ts";
import { makeGuestKey, makeGuestSigner, publicJwkOf } from "./guest-key.ts";
import { pemOf } from "./named-files.ts";

export interface NodeAgentParts {
  /** The simulated machine of a folder; a production agent has none. */
  readonly simulator?: (folder: string, plan: { readonly vmpl: Vmpl }) => Promise<EvidenceProvider>;
}

export function createNodeAgentCommand(parts: NodeAgentParts = {}): Command {
  const fetchForVerb: FetchSecrets = async (request) => {
    const { plan, fetchParts } = await preparedFor(request, parts);
    return fetchSecrets({ ...plan, want: request.want }, fetchParts);
  };
  const fetchTokenForVerb: FetchToken = async (request) => {
    const { plan, fetchParts } = await preparedFor(request, parts);
    return fetchToken({ ...plan, aud: request.aud, cnf: request.cnf }, fetchParts);
  };
  const confirmForVerb: ConfirmUse = async ({ confirmation, ...request }) => {
    const { plan, fetchParts } = await preparedFor(request, parts);
    return confirmVersion({ ...plan, key: makeGuestSigner() }, confirmation, fetchParts);
  };
  const giveBackForVerb: GiveBack = async ({ lease, ...request }) => {
    const { plan, fetchParts } = await preparedFor(request, parts);
    return giveBack({ ...plan, key: makeGuestSigner() }, lease, fetchParts);
  };
  const useTransitForVerb: TransitEdges["useTransit"] = async ({ path, item, ...request }) => {
    const { plan, fetchParts } = await preparedFor(request, parts);
    const key = makeGuestSigner();
    return overSessions(plan, fetchParts, (session, broker) =>
      createTransitClient({ session, broker, key }, fetchParts).use(path, [item]),
    );
  };
  const putForVerb: PutSecret = async ({ path, secret, cas, ...request }) => {
    const { plan, fetchParts } = await preparedFor(request, parts);
    const write = { path, secret, ...(cas === undefined ? {} : { cas }) };
    return putSecret({ ...plan, key: makeGuestSigner() }, write, fetchParts);
  };
  return createAgentCommand({
    putSecret: putForVerb,
    useTransit: useTransitForVerb,
    confirmUse: confirmForVerb,
    giveBack: giveBackForVerb,
    fetchSecrets: fetchForVerb,
    fetchToken: fetchTokenForVerb,
    makeKey: async () => makeGuestKey(),
    publicKeyOf: async (file) => publicJwkOf(await pemOf(file)),
    writeSecrets,
    unlock,
  });
}

/** What both fetches need: whom to trust, the way there, who asks the hardware. */
async function preparedFor(
  { options, onWait }: Pick<SecretRequest, "options" | "onWait">,
  parts: NodeAgentParts,
): Promise<{ readonly plan: Omit<FetchPlan, "want">; readonly fetchParts: FetchParts }> {
  const provider = await providerOf(options, parts);
  const fetchParts = fetchPartsOf(provider, onWait);
  const brokers = await brokersOf(await addressesOf(options));
  await spreadStart(options.spreadSeconds * 1000, fetchParts.retry);
  return { plan: { brokers, deadlineMs: options.deadlineSeconds * 1000 }, fetchParts };
}

/** Brokers of one cluster: each is known by the same. */
async function addressesOf(options: AgentOptions): Promise<readonly BrokerAddress[]> {
  const { brokers, audience, suite, binding, brokerPolicy } = options;
  const known = await knownByFiles(options);
  const policy = brokerPolicy === undefined ? {} : { brokerPolicy };
  return brokers.map((url) => ({ url, audience, suite, binding, ...policy, ...known }));
}

async function providerOf(options: AgentOptions, { simulator }: NodeAgentParts): Promise<EvidenceProvider> {
  const { vmpl, tsmFolder, simulatorFolder } = options;
  if (options.provider === "configfs-tsm") {
    return kernelProvider({
      ...(tsmFolder === undefined ? {} : { folder: tsmFolder }),
      ...(vmpl === undefined ? {} : { vmpl }),
    });
  }
  if (simulator === undefined || simulatorFolder === undefined) {
    throw new Fault("provider/unavailable", "this agent has no simulator");
  }
  return simulator(simulatorFolder, { vmpl: vmpl ?? 0 });
}
