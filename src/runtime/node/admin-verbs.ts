/** The admin's verbs on Node: their client, their key, and the files they read. */
import { setTimeout as sleep } from "node:timers/promises";
import type { AdminOptions } from "../../cli/admin-session.ts";
import type { Command } from "../../cli/command.ts";
import { createAdminCommand } from "../../cli/commands/admin.ts";
import { createAdvisoryCommand } from "../../cli/commands/advisory.ts";
import { createApprovalCommand } from "../../cli/commands/approval.ts";
import { createAudienceCommand } from "../../cli/commands/audience.ts";
import { createCredentialsCommand } from "../../cli/commands/credentials.ts";
import { createDecisionCommand } from "../../cli/commands/decision.ts";
import { createDrillCommand } from "../../cli/commands/drill.ts";
import { createEndorsementsCommand } from "../../cli/commands/endorsements.ts";
import { createFindingsCommand } from "../../cli/commands/findings.ts";
import { createFleetCommand } from "../../cli/commands/fleet.ts";
import { createKekCommand } from "../../cli/commands/kek.ts";
import { createLedgerCommand } from "../../cli/commands/ledger.ts";
import { createPolicyCommand } from "../../cli/commands/policy.ts";
import { createWhatCanCommand, createWhoCanCommand } from "../../cli/commands/reach.ts";
import { createSecretCommand } from "../../cli/commands/secret.ts";
import { createTcbCommand } from "../../cli/commands/tcb.ts";
import { createTokenCommand } from "../../cli/commands/token.ts";
import type { LedgerSource } from "../../cli/ledger-source.ts";
import { describeBroker } from "../../client/describe.ts";
import { createKekFile } from "../../kek/file.ts";
import { openAdminSession } from "./admin-session.ts";
import { systemNow } from "./clock.ts";
import { makeTokenKey, sealKeyFile } from "./kek-devices.ts";
import { openLog, writeLogFile } from "./log-files.ts";
import { nodePrimitives } from "./primitives.ts";
import { readPieces } from "./read-pieces.ts";
import { saltIn } from "./salt.ts";
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
  return createAdminCommand(openAdminSession, async (options, tell) =>
    (await import("./sign-in.ts")).signInByProvider(options, tell),
  );
}

export function createNodeAdvisoryCommand(): Command {
  return createAdvisoryCommand({ open: openAdminSession, primitives: nodePrimitives });
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

export function createNodeCredentialsCommand(): Command {
  return createCredentialsCommand(openAdminSession);
}

export function createNodeDrillCommand(): Command {
  return createDrillCommand({ open: openAdminSession, sleep });
}

export function createNodeEndorsementsCommand(): Command {
  return createEndorsementsCommand(openAdminSession);
}

export function createNodeFleetCommand(): Command {
  return createFleetCommand(openAdminSession);
}

export function createNodeWhoCanCommand(): Command {
  return createWhoCanCommand({ open: openAdminSession, now: systemNow, digest: nodePrimitives.digest });
}

export function createNodeWhatCanCommand(): Command {
  return createWhatCanCommand({ open: openAdminSession, now: systemNow, digest: nodePrimitives.digest });
}

export function createNodeTcbCommand(): Command {
  return createTcbCommand({ open: openAdminSession, now: systemNow, digest: nodePrimitives.digest });
}

export function createNodeFindingsCommand(): Command {
  return createFindingsCommand({ open: openAdminSession, now: systemNow });
}

export function createNodeLedgerCommand(): Command {
  return createLedgerCommand({
    primitives: nodePrimitives,
    openLedger,
    readPieces,
    readSalt: saltIn,
    openLog,
    writeLogFile,
    runWitness: async (options, terminal) => (await import("./witness.ts")).runWitness(options, terminal),
  });
}

/** The broker's own word for its ledger key: `verify --key` is for those who do not take it. */
async function openLedger(options: AdminOptions): Promise<LedgerSource> {
  const { client, audience, url } = await openAdminSession(options);
  const { ledgerKey } = await describeBroker(url, globalThis.fetch);
  const { checkpoint, ledgerPage, inclusion, consistency, forgetTraces } = client;
  return { checkpoint, ledgerPage, inclusion, consistency, forgetTraces, audience, spki: ledgerKey.spki };
}
