/** Which statements keep the roster of admins, and what they say to bundles? */
import { sql } from "drizzle-orm/sql/sql";
import type { GovernanceStore, StoredApproval, StoredRosterChange } from "../broker/governance-store.ts";
import { draftText } from "./draft-text.ts";
import { appendWhere, NEXT_SEQ } from "./ledger-statements.ts";
import {
  given,
  insertInto,
  instantOf,
  integerOf,
  nameOf,
  query,
  type Row,
  type SqlDriver,
  textOf,
} from "./query.ts";
import { policyApproval, rosterChange } from "./schema-governance.ts";
import { activation, bundle } from "./schema-sqlite.ts";

/** The part of the Store contract that is about people. */
export function createGovernanceStore(driver: SqlDriver): GovernanceStore {
  return {
    rosterHead: async () => (await driver.read(HEAD({}))).map(headOf)[0],
    rosterChanges: async () => (await driver.read(LIST_CHANGES({}))).map(changeOf),
    putRosterChange: async (change, live, draft) => {
      const { serial } = change;
      const [put] = await driver.write([
        PUT_CHANGE({ ...change, live }),
        APPEND_CHANGE({ serial, draft: draftText(draft) }),
      ]);
      return put !== undefined && put.length > 0;
    },
    approvalsOf: async (digest) => (await driver.read(LIST_APPROVALS({ bundle: digest }))).map(approvalOf),
    putApproval: async (approval, { roster, live }, draft) => {
      const { id } = approval;
      const [put] = await driver.write([
        PUT_APPROVAL({ ...approval, roster, live }),
        APPEND_APPROVAL({ id, draft: draftText(draft) }),
      ]);
      return put !== undefined && put.length > 0;
    },
  };
}

const LIVE_SERIAL = sql`(select coalesce(max(${activation.serial}), 0) from ${activation})`;

/** How many changes the roster has. */
export const ROSTER_SERIAL = sql`(select coalesce(max(${rosterChange.serial}), 0) from ${rosterChange})`;

const HEAD = query(sql`
  select ${rosterChange.serial}, ${rosterChange.digest} from ${rosterChange} order by ${rosterChange.serial} desc limit 1`);

const LIST_CHANGES = query(sql`
  select ${rosterChange.serial}, ${rosterChange.envelope}, ${rosterChange.digest}, ${rosterChange.at}, ${rosterChange.by}
  from ${rosterChange} order by ${rosterChange.serial}`);

const PUT_CHANGE = query(sql`
  ${insertInto(rosterChange, { entrySeq: NEXT_SEQ })}
  where ${given("serial")} = ${ROSTER_SERIAL} + 1 and ${given("live")} = ${LIVE_SERIAL}
  on conflict do nothing returning ${nameOf(rosterChange.serial)}`);

const APPEND_CHANGE = appendWhere(sql`
  exists (select 1 from ${rosterChange}
    where ${rosterChange.serial} = ${given("serial")} and ${rosterChange.entrySeq} = ${NEXT_SEQ})`);

const LIST_APPROVALS = query(sql`
  select ${policyApproval.id}, ${policyApproval.bundle}, ${policyApproval.envelope}, ${policyApproval.at}, ${policyApproval.by}
  from ${policyApproval} where ${policyApproval.bundle} = ${given("bundle")} order by ${policyApproval.entrySeq}`);

const PUT_APPROVAL = query(sql`
  ${insertInto(policyApproval, { entrySeq: NEXT_SEQ })}
  where exists (select 1 from ${bundle} where ${bundle.digest} = ${given("bundle")})
    and ${given("roster")} = ${ROSTER_SERIAL} and ${given("live")} = ${LIVE_SERIAL}
  on conflict do nothing returning ${nameOf(policyApproval.id)}`);

const APPEND_APPROVAL = appendWhere(sql`
  exists (select 1 from ${policyApproval}
    where ${policyApproval.id} = ${given("id")} and ${policyApproval.entrySeq} = ${NEXT_SEQ})`);

function headOf(row: Row): Pick<StoredRosterChange, "serial" | "digest"> {
  return { serial: integerOf(row, rosterChange.serial), digest: textOf(row, rosterChange.digest) };
}

function changeOf(row: Row): StoredRosterChange {
  return {
    ...headOf(row),
    envelope: textOf(row, rosterChange.envelope),
    at: instantOf(row, rosterChange.at),
    by: textOf(row, rosterChange.by),
  };
}

function approvalOf(row: Row): StoredApproval {
  return {
    id: textOf(row, policyApproval.id),
    bundle: textOf(row, policyApproval.bundle),
    envelope: textOf(row, policyApproval.envelope),
    at: instantOf(row, policyApproval.at),
    by: textOf(row, policyApproval.by),
  };
}
