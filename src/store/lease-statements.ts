/** Which statements keep who holds a secret that one guest at a time may hold? */
import { type SQL, sql } from "drizzle-orm/sql/sql";
import type { LeaseStore, StoredLease } from "../broker/lease-store.ts";
import type { DecisionCommit } from "../broker/store.ts";
import { draftText } from "./draft-text.ts";
import { GIVES_ITEM, IS_FRESH } from "./fresh-decision.ts";
import { appendWhere } from "./ledger-statements.ts";
import {
  given,
  insertInto,
  instantOf,
  integerOf,
  nameOf,
  query,
  type Row,
  type SqlDriver,
  type Statement,
  textOf,
} from "./query.ts";
import { decision, secretLease, secretSetting } from "./schema-sqlite.ts";

/** The part of the Store contract that is about leases. */
export function createLeaseStore(driver: SqlDriver): LeaseStore {
  return {
    lease: async (path) => (await driver.read(FIND({ path }))).map(leaseOf)[0],
    returnLease: async ({ path, fence, at, holder }) => {
      const [ended] = await driver.write([RETURN({ path, fence, at, holder })]);
      return ended !== undefined && ended.length > 0;
    },
    breakLease: async ({ path, fence, at }, draft) => {
      const running = { path, fence, at };
      const [, ended] = await driver.write([
        APPEND_BREAK({ ...running, draft: draftText(draft) }),
        BREAK(running),
      ]);
      return ended !== undefined && ended.length > 0;
    },
    suspendLeases: async (at) => void (await driver.write([LEASE_THE_FREE({ at }), SUSPEND({ at })])),
  };
}

// ── within a commit ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Marks an item exhausted whose lease another guest holds. Before the counters of the item, so that none is used for it. */
export function heldStatements(
  { id, at, reportId, items }: DecisionCommit,
  index: number,
): readonly Statement[] {
  const item = items[index];
  if (item?.leaseSeconds === undefined) return [];
  const mark = { mark: `,${index}`, marked: `%,${index}` };
  return [MARK_HELD({ id, at, ...mark, path: item.resource, holder: reportId })];
}

/** Takes or renews the lease of each item that is given. After every item was looked at. */
export function takeLeaseStatements({ id, at, reportId, items }: DecisionCommit): readonly Statement[] {
  return items.flatMap(({ resource: path, leaseSeconds }, index) =>
    leaseSeconds === undefined
      ? []
      : [TAKE({ id, at, listed: `%,${index},%`, path, holder: reportId, until: at + leaseSeconds })],
  );
}

const AT = sql`${given("at")}`;
const OF_PATH = sql`${secretLease.path} = ${given("path")}`;

const MARK_HELD = query(sql`
  update ${decision} set ${nameOf(decision.exhausted)} = ${decision.exhausted} || ${given("mark")}
  where ${IS_FRESH} and ${decision.exhausted} not like ${given("marked")}
    and exists (select 1 from ${secretLease}
      where ${OF_PATH} and ${secretLease.until} > ${AT} and ${secretLease.holder} <> ${given("holder")})`);

/** A guest that still holds it goes on under its fence, and never for a shorter time than it was told. */
const GOES_ON = sql`${secretLease.holder} = excluded.holder and ${secretLease.until} > excluded.since`;

function goingOn(column: SQL, otherwise: SQL, condition: SQL = GOES_ON): SQL {
  return sql`case when ${condition} then ${column} else ${otherwise} end`;
}

const TAKE = query(sql`
  ${insertInto(secretLease, { fence: sql`1`, since: AT, decision: sql`${given("id")}` })}
  where ${GIVES_ITEM}
  on conflict (${nameOf(secretLease.path)}) do update set
    ${nameOf(secretLease.fence)} = ${goingOn(sql`${secretLease.fence}`, sql`${secretLease.fence} + 1`)},
    ${nameOf(secretLease.since)} = ${goingOn(sql`${secretLease.since}`, sql`excluded.since`)},
    ${nameOf(secretLease.until)} = ${goingOn(
      sql`${secretLease.until}`,
      sql`excluded.until`,
      sql`${GOES_ON} and ${secretLease.until} > excluded.until`,
    )},
    ${nameOf(secretLease.holder)} = excluded.holder,
    ${nameOf(secretLease.decision)} = excluded.decision`);

// ── beside it ───────────────────────────────────────────────────────────────────────────────────────────────────────

const FIND = query(sql`
  select ${secretLease.path}, ${secretLease.holder}, ${secretLease.fence}, ${secretLease.since}, ${secretLease.until},
    ${secretLease.decision}
  from ${secretLease} where ${OF_PATH}`);

const IS_RUNNING = sql`${OF_PATH} and ${secretLease.fence} = ${given("fence")} and ${secretLease.until} > ${AT}`;

const BREAK = query(sql`
  update ${secretLease} set ${nameOf(secretLease.until)} = ${AT} where ${IS_RUNNING}
  returning ${nameOf(secretLease.path)}`);

const RETURN = query(sql`
  update ${secretLease} set ${nameOf(secretLease.until)} = ${AT}
  where ${IS_RUNNING} and ${secretLease.holder} = ${given("holder")}
  returning ${nameOf(secretLease.path)}`);

const APPEND_BREAK = appendWhere(sql`exists (select 1 from ${secretLease} where ${IS_RUNNING})`);

/**
 * How far fences go on after a restore. What was given out since the backup is not known; at a lease of a minute, the shortest,
 * two years of taking turns would use up as many.
 */
export const FENCES_SKIPPED = 1_048_576;

const SKIPPED = sql.raw(String(FENCES_SKIPPED));

const LEASE_THE_FREE = query(sql`
  insert into ${secretLease} (${nameOf(secretLease.path)}, ${nameOf(secretLease.holder)}, ${nameOf(secretLease.fence)},
    ${nameOf(secretLease.since)}, ${nameOf(secretLease.until)}, ${nameOf(secretLease.decision)})
  select ${secretSetting.path}, '', 1, ${AT}, ${AT}, '' from ${secretSetting} where ${secretSetting.leaseSeconds} > 0
  on conflict do nothing`);

const SUSPEND = query(sql`
  update ${secretLease} set ${nameOf(secretLease.holder)} = '', ${nameOf(secretLease.decision)} = '',
    ${nameOf(secretLease.fence)} = ${secretLease.fence} + ${SKIPPED}, ${nameOf(secretLease.since)} = ${AT},
    ${nameOf(secretLease.until)} = ${AT} + coalesce((select ${secretSetting.leaseSeconds} from ${secretSetting}
      where ${secretSetting.path} = ${secretLease.path}), 0)`);

function leaseOf(row: Row): StoredLease {
  return {
    path: textOf(row, secretLease.path),
    holder: textOf(row, secretLease.holder),
    fence: integerOf(row, secretLease.fence),
    since: instantOf(row, secretLease.since),
    until: instantOf(row, secretLease.until),
    decision: textOf(row, secretLease.decision),
  };
}
