/** `ostiary agent` on Node: the kernel's provider, native cryptography; a simulator only where one is handed in. */
import { existsSync } from "node:fs";
import { writeSecrets } from "../../agent/output.ts";
import type { AgentFile } from "../../cli/agent-config.ts";
import type { FetchSecrets, FetchToken } from "../../cli/agent-session.ts";
import type { Command } from "../../cli/command.ts";
import { createAgentCommand } from "../../cli/commands/agent.ts";
import type { ConfirmEdges } from "../../cli/commands/agent-confirm.ts";
import type { GiveBackEdges } from "../../cli/commands/agent-give-back.ts";
import type { PutEdges } from "../../cli/commands/agent-put.ts";
import type { TransitEdges } from "../../cli/commands/agent-transit.ts";
import { confirmVersion } from "../../client/confirm.ts";
import { fetchSecrets, overSessions } from "../../client/fetch.ts";
import { fetchToken } from "../../client/fetch-token.ts";
import { giveBack } from "../../client/give-back.ts";
import { createTransitClient } from "../../client/transit-client.ts";
import { putSecret } from "../../client/write.ts";
import { type NodeAgentParts, preparedFor } from "./agent-way.ts";
import { makeGuestKey, makeGuestSigner, publicJwkOf } from "./guest-key.ts";
import { pemOf } from "./named-files.ts";
import { clevisEdges, volumeEdges } from "./volume-edges.ts";

export function createNodeAgentCommand(parts: NodeAgentParts = {}): Command {
  const fetchForVerb: FetchSecrets = async (request) => {
    const { plan, fetchParts } = await preparedFor(request, parts);
    return fetchSecrets({ ...plan, want: request.want }, fetchParts);
  };
  const fetchTokenForVerb: FetchToken = async (request) => {
    const { plan, fetchParts } = await preparedFor(request, parts);
    return fetchToken({ ...plan, aud: request.aud, cnf: request.cnf }, fetchParts);
  };
  const confirmForVerb: ConfirmEdges["confirmUse"] = async ({ confirmation, ...request }) => {
    const { plan, fetchParts } = await preparedFor(request, parts);
    return confirmVersion({ ...plan, key: makeGuestSigner() }, confirmation, fetchParts);
  };
  const giveBackForVerb: GiveBackEdges["giveBack"] = async ({ lease, ...request }) => {
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
  const putForVerb: PutEdges["putSecret"] = async ({ path, secret, cas, ...request }) => {
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
    clevis: clevisEdges,
    ...volumeEdges({ fetchSecrets: fetchForVerb, putSecret: putForVerb, confirmUse: confirmForVerb }),
    examine: async (asked) => (await import("./agent-doctor.ts")).examineWith(parts)(asked),
    agentFile: readAgentFile,
    exec: async (plan, options, terminal) =>
      (await import("./agent-exec.ts")).execProgram(plan, options, { parts, terminal }),
    usualFile: AGENT_FILE,
    inspectAgent: async (path) => (await import("./agent-serve.ts")).inspectAgent(path, parts),
    serveAgent: async (path, terminal) =>
      (await import("./agent-serve.ts")).serveAgent(path, parts, terminal),
  });
}

const AGENT_FILE = "/etc/ostiary/agent.toml";

/** Loaded where there is a file: most guests that unlock a disk have none, and nothing that reads one. */
async function readAgentFile(named: string | undefined): Promise<AgentFile | undefined> {
  if (named === undefined && !existsSync(AGENT_FILE)) return undefined;
  return (await import("./agent-file.ts")).agentFile(named ?? AGENT_FILE);
}
