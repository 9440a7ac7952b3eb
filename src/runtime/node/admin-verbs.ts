/** The admin's verbs on Node: their client, their key, and the files they read. */
import type { AdminOptions } from "../../cli/admin-session.ts";
import type { Command } from "../../cli/command.ts";
import { createAdminCommand } from "../../cli/commands/admin.ts";
import { createApprovalCommand } from "../../cli/commands/approval.ts";
import { createAudienceCommand } from "../../cli/commands/audience.ts";
import { createDecisionCommand } from "../../cli/commands/decision.ts";
import { createKekCommand } from "../../cli/commands/kek.ts";
import { createLedgerCommand } from "../../cli/commands/ledger.ts";
import { createPolicyCommand } from "../../cli/commands/policy.ts";
import { createSecretCommand } from "../../cli/commands/secret.ts";
import { createTokenCommand } from "../../cli/commands/token.ts";
import type { LedgerSource } from "../../cli/ledger-source.ts";
import { describeBroker } from "../../client/describe.ts";
import { createKekFile } from "../../kek/file.ts";
import { openAdminSession } from "./admin-session.ts";
import { makeTokenKey, sealKeyFile } from "./kek-devices.ts";
import { nodePrimitives } from "./primitives.ts";
import { readPieces } from "./read-pieces.ts";
import { nodeSealing } from "./sealing.ts";
import { splitKeyFile } from "./split-key.ts";

export function createNodePolicyCommand(): Command {
  return createPolicyCommand({ open: openAdminSession, digest: nodePrimitives.digest });
}

export function createNodeSecretCommand(): Command {
  return createSecretCommand(openAdminSession, nodeSealing);
}

export function createNodeKekCommand(): Command {
  return createKekCommand({
    open: openAdminSession,
    createKey: createKekFile,
    splitKeyFile,
    makeTokenKey,
    sealKeyFile,
  });
}

export function createNodeAdminCommand(): Command {
  return createAdminCommand(openAdminSession);
}

export function createNodeApprovalCommand(): Command {
  return createApprovalCommand({ open: openAdminSession, digest: nodePrimitives.digest });
}

export function createNodeAudienceCommand(): Command {
  return createAudienceCommand(openAdminSession);
}

export function createNodeTokenCommand(): Command {
  return createTokenCommand(openAdminSession);
}

export function createNodeDecisionCommand(): Command {
  return createDecisionCommand(openAdminSession);
}

export function createNodeLedgerCommand(): Command {
  return createLedgerCommand({
    primitives: nodePrimitives,
    openLedger,
    readPieces,
    runWitness: async (options, terminal) => (await import("./witness.ts")).runWitness(options, terminal),
  });
}

/** The broker's own word for its ledger key: `verify --key` is for those who do not take it. */
async function openLedger(options: AdminOptions): Promise<LedgerSource> {
  const { client, audience, url } = await openAdminSession(options);
  const { ledgerKey } = await describeBroker(url, globalThis.fetch);
  const { checkpoint, ledgerPage, inclusion } = client;
  return { checkpoint, ledgerPage, inclusion, audience, spki: ledgerKey.spki };
}
