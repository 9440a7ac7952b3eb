/** Which statements keep orders of a shadow, and where it would have decided otherwise? */
import { sql } from "drizzle-orm/sql/sql";
import type { ShadowDifference, ShadowStore, StoredShadowOrder } from "../broker/shadow-store.ts";
import { draftText } from "./draft-text.ts";
import { appendWhere, NEXT_SEQ } from "./ledger-statements.ts";
import { refuseManyDifferences } from "./limits.ts";
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
import { shadowDifference, shadowOrder } from "./schema-governance.ts";
import { bundle } from "./schema-sqlite.ts";

/** The part of the Store contract that is about bundles in shadow. */
export function createShadowStore(driver: SqlDriver): ShadowStore {
  return {
    orderShadow: async (row, entry) => {
      const { serial } = row;
      const [put] = await driver.write([
        PUT_ORDER({ ...row }),
        APPEND_ORDER({ serial, draft: draftText(entry) }),
      ]);
      return put !== undefined && put.length > 0;
    },
    shadowOrder: async () => (await driver.read(NEWEST_ORDER({}))).map(orderOf)[0],
    shadowTail: async () => (await driver.read(TAIL({}))).map(tailOf)[0],
    keepShadowDifferences: async (rows, entry) => {
      refuseManyDifferences(rows);
      const last = rows.at(-1);
      if (last === undefined) return true;
      const draft = draftText(entry);
      const [first] = await driver.write([
        ...rows.map((row, i) => {
          const before = rows[i - 1];
          return before === undefined ? PUT_FIRST({ ...row }) : PUT_NEXT({ ...row, previous: before.hash });
        }),
        APPEND_ROWS({ seq: last.seq, hash: last.hash, draft }),
      ]);
      return first !== undefined && first.length > 0;
    },
    shadowDifferences: async (from, limit) =>
      (await driver.read(LIST({ from, limit: Math.max(0, limit) }))).map(differenceOf),
    countShadowDifferences: async (order) =>
      (await driver.read(COUNT({ order }))).map((row) => integerOf(row, shadowDifference.seq))[0] ?? 0,
  };
}

const PUT_ORDER = query(sql`
  ${insertInto(shadowOrder, { entrySeq: NEXT_SEQ })}
  where ${given("serial")} = (select coalesce(max(${shadowOrder.serial}), 0) + 1 from ${shadowOrder})
    and (${given("digest")} = '' or exists (select 1 from ${bundle} where ${bundle.digest} = ${given("digest")}))
  on conflict do nothing returning ${nameOf(shadowOrder.serial)}`);

const APPEND_ORDER = appendWhere(sql`
  exists (select 1 from ${shadowOrder}
    where ${shadowOrder.serial} = ${given("serial")} and ${shadowOrder.entrySeq} = ${NEXT_SEQ})`);

const NEWEST_ORDER = query(sql`
  select ${shadowOrder.serial}, ${shadowOrder.digest}, ${shadowOrder.signature}, ${shadowOrder.at}, ${shadowOrder.by}
  from ${shadowOrder} order by ${shadowOrder.serial} desc limit 1`);

const TAIL = query(sql`
  select ${shadowDifference.seq}, ${shadowDifference.hash} from ${shadowDifference}
  order by ${shadowDifference.seq} desc limit 1`);

const INSERT = insertInto(shadowDifference, { entrySeq: NEXT_SEQ });

const PUT_FIRST = query(sql`
  ${INSERT}
  where ${given("seq")} = (select coalesce(max(${shadowDifference.seq}), 0) + 1 from ${shadowDifference})
  on conflict do nothing returning ${nameOf(shadowDifference.seq)}`);

/** INVARIANT: a row is there only behind the one that its hash was made over. */
const PUT_NEXT = query(sql`
  ${INSERT}
  where exists (select 1 from ${shadowDifference} where ${shadowDifference.seq} = ${given("seq")} - 1
    and ${shadowDifference.hash} = ${given("previous")} and ${shadowDifference.entrySeq} = ${NEXT_SEQ})
  on conflict do nothing returning ${nameOf(shadowDifference.seq)}`);

const APPEND_ROWS = appendWhere(sql`
  exists (select 1 from ${shadowDifference} where ${shadowDifference.seq} = ${given("seq")}
    and ${shadowDifference.hash} = ${given("hash")} and ${shadowDifference.entrySeq} = ${NEXT_SEQ})`);

const LIST = query(sql`
  select ${shadowDifference.seq}, ${shadowDifference.order}, ${shadowDifference.decision}, ${shadowDifference.item},
    ${shadowDifference.at}, ${shadowDifference.resource}, ${shadowDifference.direction}, ${shadowDifference.liveCode},
    ${shadowDifference.shadowCode}, ${shadowDifference.clause}, ${shadowDifference.reason},
    ${shadowDifference.liveTrace}, ${shadowDifference.shadowTrace}, ${shadowDifference.hash}
  from ${shadowDifference} where ${shadowDifference.seq} >= ${given("from")}
  order by ${shadowDifference.seq} limit ${given("limit")}`);

const COUNT = query(sql`
  select count(*) as ${nameOf(shadowDifference.seq)} from ${shadowDifference}
  where ${shadowDifference.order} = ${given("order")}`);

function orderOf(row: Row): StoredShadowOrder {
  return {
    serial: integerOf(row, shadowOrder.serial),
    digest: textOf(row, shadowOrder.digest),
    signature: textOf(row, shadowOrder.signature),
    at: instantOf(row, shadowOrder.at),
    by: textOf(row, shadowOrder.by),
  };
}

function tailOf(row: Row): Pick<ShadowDifference, "seq" | "hash"> {
  return { seq: integerOf(row, shadowDifference.seq), hash: textOf(row, shadowDifference.hash) };
}

function differenceOf(row: Row): ShadowDifference {
  return {
    ...tailOf(row),
    order: integerOf(row, shadowDifference.order),
    decision: textOf(row, shadowDifference.decision),
    item: integerOf(row, shadowDifference.item),
    at: instantOf(row, shadowDifference.at),
    resource: textOf(row, shadowDifference.resource),
    direction: textOf(row, shadowDifference.direction),
    liveCode: textOf(row, shadowDifference.liveCode),
    shadowCode: textOf(row, shadowDifference.shadowCode),
    clause: textOf(row, shadowDifference.clause),
    reason: textOf(row, shadowDifference.reason),
    liveTrace: textOf(row, shadowDifference.liveTrace),
    shadowTrace: textOf(row, shadowDifference.shadowTrace),
  };
}
