/** What must every Store do? One contract; memory, SQLite and later D1 and Postgres run it. */
import { describe } from "vitest";
import type { Store } from "../../src/broker/store.ts";
import { advisoryContract } from "./store/advisories.ts";
import { bundleContract } from "./store/bundles.ts";
import { counterContract } from "./store/counters.ts";
import { credentialContract } from "./store/credentials.ts";
import { decisionContract } from "./store/decisions.ts";
import { findingContract } from "./store/findings.ts";
import { fleetContract } from "./store/fleet.ts";
import { governanceContract } from "./store/governance.ts";
import { importContract } from "./store/imports.ts";
import { kbsContract } from "./store/kbs.ts";
import { leaseContract } from "./store/leases.ts";
import { ledgerContract } from "./store/ledger.ts";
import { requestApprovalContract } from "./store/request-approvals.ts";
import { secretLifeContract } from "./store/secret-life.ts";
import { secretReaderContract } from "./store/secret-readers.ts";
import { secretContract } from "./store/secrets.ts";
import { shadowContract } from "./store/shadow.ts";
import { stateContract } from "./store/state.ts";
import { tokenContract } from "./store/tokens.ts";

/** Opens an empty store; whoever opens it also takes it down after the test. */
export type OpenStore = () => Promise<Store>;

export function storeContract(name: string, open: OpenStore): void {
  describe(`${name} keeps the Store contract`, () => {
    decisionContract(open);
    counterContract(open);
    ledgerContract(open);
    bundleContract(open);
    governanceContract(open);
    advisoryContract(open);
    requestApprovalContract(open);
    secretContract(open);
    secretLifeContract(open);
    secretReaderContract(open);
    leaseContract(open);
    stateContract(open);
    tokenContract(open);
    importContract(open);
    findingContract(open);
    credentialContract(open);
    shadowContract(open);
    fleetContract(open);
    kbsContract(open);
  });
}
