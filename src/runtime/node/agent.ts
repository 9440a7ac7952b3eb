/** `ostiary agent` on Node: the kernel's provider, native cryptography; a simulator only where one is handed in. */
import { existsSync } from "node:fs";
import { writeSecrets } from "../../agent/output.ts";
import type { AgentFile } from "../../cli/agent-config.ts";
import type { FetchSecrets } from "../../cli/agent-session.ts";
import type { Command } from "../../cli/command.ts";
import { type AgentEdges, createAgentCommand } from "../../cli/commands/agent.ts";
import { type FetchPlan, fetchSecrets } from "../../client/fetch.ts";
import { type NodeAgentParts, preparedFor } from "./agent-way.ts";
import { pemOf } from "./named-files.ts";
import { nodePrimitives } from "./primitives.ts";
import { clevisEdges, volumeEdges } from "./volume-edges.ts";

/** What a guest boots by is loaded at the start, what the other verbs do when one of them is called. */
export function createNodeAgentCommand(parts: NodeAgentParts = {}): Command {
  const fetchForVerb: FetchSecrets = async (request) => {
    const { plan, fetchParts } = await preparedFor(request, parts);
    const receipt = request.receipt && (await receiptPlanOf(request.receipt.ledgerKey));
    return fetchSecrets({ ...plan, want: request.want, ...(receipt && { receipt }) }, fetchParts);
  };
  const others = async () => (await import("./agent-verbs.ts")).agentVerbs(parts);
  const putForVerb: AgentEdges["putSecret"] = async (request) => (await others()).putSecret(request);
  const confirmForVerb: AgentEdges["confirmUse"] = async (request) => (await others()).confirmUse(request);
  return createAgentCommand({
    putSecret: putForVerb,
    useTransit: async (request) => (await others()).useTransit(request),
    confirmUse: confirmForVerb,
    giveBack: async (request) => (await others()).giveBack(request),
    fetchSecrets: fetchForVerb,
    fetchToken: async (request) => (await others()).fetchToken(request),
    makeKey: async () => (await others()).makeKey(),
    publicHalfOf: async (file) => (await others()).publicHalfOf(file),
    publicKeyOf: async (file) => (await others()).publicKeyOf(file),
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

/** A verifier key, or the file that holds one. Loaded only where a receipt is wanted. */
async function receiptPlanOf(given: string | undefined): Promise<NonNullable<FetchPlan["receipt"]>> {
  if (given === undefined) return {};
  const { parseVerifierKey } = await import("../../ledger/note.ts");
  const text = given.includes("+") ? given : (await pemOf(given)).trim();
  return { ledgerKey: parseVerifierKey(text, nodePrimitives.digest).spki };
}

const AGENT_FILE = "/etc/ostiary/agent.toml";

/** Loaded where there is a file: most guests that unlock a disk have none, and nothing that reads one. */
async function readAgentFile(named: string | undefined): Promise<AgentFile | undefined> {
  if (named === undefined && !existsSync(AGENT_FILE)) return undefined;
  return (await import("./agent-file.ts")).agentFile(named ?? AGENT_FILE);
}
