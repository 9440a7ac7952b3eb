/** How is the Store contract kept by any database? By statements that SQLite, D1 and Postgres speak, one file per part. */
import type { Store } from "../broker/store.ts";
import { createAdvisoryStore } from "./advisory-statements.ts";
import { createBundleStore } from "./bundle-statements.ts";
import { createCredentialStore } from "./credential-statements.ts";
import { createDecisionStore } from "./decision-statements.ts";
import { createExplanationStore } from "./explanation-statements.ts";
import { createFindingStore } from "./finding-statements.ts";
import { createFleetStore } from "./fleet-statements.ts";
import { createGovernanceStore } from "./governance-statements.ts";
import { createImportStore } from "./import-statements.ts";
import { createKbsStore } from "./kbs-statements.ts";
import { createLeaseStore } from "./lease-statements.ts";
import { createLedgerStore } from "./ledger-statements.ts";
import type { SqlDriver } from "./query.ts";
import { createRequestApprovalStore } from "./request-approval-statements.ts";
import { createSecretStore } from "./secret-statements.ts";
import { createShadowStore } from "./shadow-statements.ts";
import { createStateStore } from "./state-statements.ts";
import { createTokenStore } from "./token-statements.ts";

/** The Store contract over a driver that can run a batch in one durable transaction. */
export function createSqlStore(driver: SqlDriver): Store {
  return {
    ...createDecisionStore(driver),
    ...createLedgerStore(driver),
    ...createBundleStore(driver),
    ...createGovernanceStore(driver),
    ...createAdvisoryStore(driver),
    ...createRequestApprovalStore(driver),
    ...createSecretStore(driver),
    ...createLeaseStore(driver),
    ...createStateStore(driver),
    ...createTokenStore(driver),
    ...createImportStore(driver),
    ...createFindingStore(driver),
    ...createCredentialStore(driver),
    ...createExplanationStore(driver),
    ...createShadowStore(driver),
    ...createFleetStore(driver),
    ...createKbsStore(driver),
    close: driver.close,
  };
}
