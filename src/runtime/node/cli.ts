/** The command line on Node: each verb's composition, loaded when the verb is called. */
import { runCommandLine, type Verb } from "../../cli/main.ts";
import { createTerminal } from "./terminal.ts";

const VERBS: readonly Verb[] = [
  {
    name: "demo",
    summary: "the whole story on this machine: broker, simulated guest, release, refusal",
    load: async () => (await import("./demo.ts")).createNodeDemoCommand(),
  },
  {
    name: "init",
    summary: "make a broker's data folder, keys, database and configuration",
    load: async () => {
      const { createInitCommand } = await import("../../cli/commands/init.ts");
      return createInitCommand({ init: (await import("./demo-folder.ts")).initForVerb });
    },
  },
  {
    name: "serve",
    summary: "run the broker",
    load: async () => {
      const { createServeCommand } = await import("../../cli/commands/serve.ts");
      return createServeCommand(await import("./serve.ts"));
    },
  },
  {
    name: "health",
    summary: "whether the broker of this machine can decide now",
    load: async () => {
      const { createHealthCommand } = await import("../../cli/commands/health.ts");
      return createHealthCommand((await import("./health.ts")).askHealth);
    },
  },
  {
    name: "store",
    summary: "the broker's database: migrate, check, copy",
    load: async () => {
      const { createStoreCommand } = await import("../../cli/commands/store.ts");
      return createStoreCommand(await import("./store.ts"));
    },
  },
  {
    name: "backup",
    summary: "the database in a file, sealed to a key that is elsewhere",
    load: async () => {
      const { createBackupCommand } = await import("../../cli/commands/backup.ts");
      const [{ makeBackup }, { makeBackupKey }] = [
        await import("./backup.ts"),
        await import("./backup-key.ts"),
      ];
      return createBackupCommand({ makeBackup, makeBackupKey });
    },
  },
  {
    name: "restore",
    summary: "a backup into an empty database, as an act that stands in the log",
    load: async () => {
      const { createRestoreCommand } = await import("../../cli/commands/restore.ts");
      return createRestoreCommand((await import("./restore.ts")).restoreBackup);
    },
  },
  {
    name: "evidence",
    summary: "read and verify SEV-SNP evidence, without a broker",
    load: async () => (await import("./evidence.ts")).createNodeEvidenceCommand(),
  },
  {
    name: "measure",
    summary: "the launch digest of an image, and ID blocks, without a broker",
    load: async () => (await import("./measure.ts")).createNodeMeasureCommand(),
  },
  {
    name: "reference",
    summary: "reference values from elsewhere: CoRIM, Google's firmware, Azure's keys",
    load: async () => (await import("./reference.ts")).createNodeReferenceCommand(),
  },
  {
    name: "writ",
    summary: "the policy language on files: check, explain",
    load: async () => (await import("./writ.ts")).createNodeWritCommand(),
  },
  {
    name: "policy",
    summary: "release policy on a broker: propose, review, approve, activate, roll back",
    load: async () => (await import("./admin-verbs.ts")).createNodePolicyCommand(),
  },
  {
    name: "secret",
    summary: "secrets by path: put, generate, transit, import, rotate, list, show, disable, destroy",
    load: async () => (await import("./admin-verbs.ts")).createNodeSecretCommand(),
  },
  {
    name: "kek",
    summary: "the root key-encryption key: show, rotate, migrate, seal, split, unseal",
    load: async () => (await import("./admin-verbs.ts")).createNodeKekCommand(),
  },
  {
    name: "admin",
    summary: "admins and their roles: list, add, remove, sign, login",
    load: async () => (await import("./admin-verbs.ts")).createNodeAdminCommand(),
  },
  {
    name: "approval",
    summary: "requests of guests that wait for people: list, give",
    load: async () => (await import("./admin-verbs.ts")).createNodeApprovalCommand(),
  },
  {
    name: "audience",
    summary: "token audiences: add, list, remove",
    load: async () => (await import("./admin-verbs.ts")).createNodeAudienceCommand(),
  },
  {
    name: "token",
    summary: "tokens: keys that sign them, revocation, introspection",
    load: async () => (await import("./admin-verbs.ts")).createNodeTokenCommand(),
  },
  {
    name: "decision",
    summary: "why a guest was let in or refused, by decision id",
    load: async () => (await import("./admin-verbs.ts")).createNodeDecisionCommand(),
  },
  {
    name: "findings",
    summary: "what is not good: list, show, ack, report, scan",
    load: async () => (await import("./admin-verbs.ts")).createNodeFindingsCommand(),
  },
  {
    name: "fleet",
    summary: "which guests came, with which image, on which chip: list, show",
    load: async () => (await import("./admin-verbs.ts")).createNodeFleetCommand(),
  },
  {
    name: "who-can",
    summary: "who can have a resource: policies, images, and guests that came",
    load: async () => (await import("./admin-verbs.ts")).createNodeWhoCanCommand(),
  },
  {
    name: "what-can",
    summary: "what an image can have, and which guests have it",
    load: async () => (await import("./admin-verbs.ts")).createNodeWhatCanCommand(),
  },
  {
    name: "tcb",
    summary: "plan a floor: whom it cuts off, what to update first, how it comes into force",
    load: async () => (await import("./admin-verbs.ts")).createNodeTcbCommand(),
  },
  {
    name: "advisory",
    summary: "what AMD's bulletins ask of firmware: sign, verify, import, show, floor",
    load: async () => (await import("./admin-verbs.ts")).createNodeAdvisoryCommand(),
  },
  {
    name: "drill",
    summary: "plant something that is not good, and measure how soon it is found",
    load: async () => (await import("./admin-verbs.ts")).createNodeDrillCommand(),
  },
  {
    name: "endorsements",
    summary: "AMD's certificates and CRLs as a file: export, import",
    load: async () => (await import("./admin-verbs.ts")).createNodeEndorsementsCommand(),
  },
  {
    name: "credentials",
    summary: "what this system depends on: list, show",
    load: async () => (await import("./admin-verbs.ts")).createNodeCredentialsCommand(),
  },
  {
    name: "ledger",
    summary:
      "the transparency log: head, show, prove, export, verify, compare, forget-traces, reveal, witness",
    load: async () => (await import("./admin-verbs.ts")).createNodeLedgerCommand(),
  },
  {
    name: "agent",
    summary: "the guest side: get a secret or a token, unlock a disk",
    load: async () => {
      const { createNodeAgentCommand } = await import("./agent.ts");
      return createNodeAgentCommand({
        simulator: async (folder, plan) =>
          (await import("./simulated-machine.ts")).simulatedMachineOf(folder, plan),
      });
    },
  },
];

process.exitCode = await runCommandLine(process.argv.slice(2), VERBS, createTerminal());
