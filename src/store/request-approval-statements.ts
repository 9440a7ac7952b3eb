/** Which statements keep requests that wait for people, and what people say to them? */
import { sql } from "drizzle-orm/sql/sql";
import {
  APPROVAL_USE,
  type RequestApprovalStore,
  type StoredRequestApproval,
  type WaitingRequest,
} from "../broker/request-approval-store.ts";
import type { DecisionCommit } from "../broker/store.ts";
import { draftText } from "./draft-text.ts";
import { GIVES_ITEM } from "./fresh-decision.ts";
import { ROSTER_SERIAL } from "./governance-statements.ts";
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
  type Statement,
  textOf,
  wordOf,
} from "./query.ts";
import { requestApproval, waitingRequest } from "./schema-governance.ts";
import { counterUse } from "./schema-sqlite.ts";

/** The part of the Store contract that is about people's word to single requests. */
export function createRequestApprovalStore(driver: SqlDriver): RequestApprovalStore {
  return {
    putWaiting: async (waiting, room) => {
      const [rows] = await driver.write([PUT_WAITING({ ...waiting, ...room })]);
      const [row] = rows ?? [];
      if (row === undefined) return "full";
      return textOf(row, waitingRequest.decision) === waiting.decision ? "new" : "known";
    },
    waitingRequests: async (now) => (await driver.read(LIST_WAITING({ now }))).map(waitingOf),
    waitingRequest: async (request, now) =>
      (await driver.read(FIND_WAITING({ request, now }))).map(waitingOf)[0],
    putRequestApproval: async (approval, { roster, now }, draft) => {
      const { id } = approval;
      const [put] = await driver.write([
        PUT_APPROVAL({ ...approval, roster, now, use: APPROVAL_USE }),
        APPEND_APPROVAL({ id, draft: draftText(draft) }),
      ]);
      return put !== undefined && put.length > 0;
    },
    requestApprovals: async (request, now) =>
      (await driver.read(LIST_APPROVALS({ request, now, use: APPROVAL_USE }))).map(approvalOf),
  };
}

/** A request that people let through waits no longer, if the decision gives it. */
export function endWaitingStatements({ id, items }: DecisionCommit): readonly Statement[] {
  return items.flatMap(({ approved }, index) =>
    approved === undefined ? [] : [END_WAITING({ id, listed: `%,${index},%`, request: approved })],
  );
}

const END_WAITING = query(sql`
  delete from ${waitingRequest} where ${waitingRequest.request} = ${given("request")} and ${GIVES_ITEM}`);

const WAITS = sql`${waitingRequest.until} > ${given("at")}`;

/** One that is there, over or not, takes its own place again; what is over takes nobody's. */
const PUT_WAITING = query(sql`
  ${insertInto(waitingRequest)}
  where exists (select 1 from ${waitingRequest} where ${waitingRequest.request} = ${given("request")} and ${WAITS})
    or ((select count(*) from ${waitingRequest} where ${WAITS}) < ${given("all")}
      and (select count(*) from ${waitingRequest}
        where ${waitingRequest.resource} = ${given("resource")} and ${WAITS}) < ${given("perResource")}
      and (select count(*) from ${waitingRequest}
        where ${waitingRequest.source} = ${given("source")} and ${WAITS}) < ${given("perSource")})
  on conflict (${nameOf(waitingRequest.request)}) do update set
    ${nameOf(waitingRequest.since)} = case when ${waitingRequest.until} > excluded.at then ${waitingRequest.since} else excluded.since end,
    ${nameOf(waitingRequest.source)} = case when ${waitingRequest.until} > excluded.at then ${waitingRequest.source} else excluded.source end,
    ${nameOf(waitingRequest.decision)} = case when ${waitingRequest.until} > excluded.at
      then ${waitingRequest.decision} else excluded.decision end,
    ${nameOf(waitingRequest.at)} = excluded.at, ${nameOf(waitingRequest.until)} = excluded.until,
    ${nameOf(waitingRequest.seconds)} = excluded.seconds
  returning ${nameOf(waitingRequest.decision)}`);

const WAITING_COLUMNS = sql`${waitingRequest.request}, ${waitingRequest.resource}, ${waitingRequest.op},
  ${waitingRequest.report}, ${waitingRequest.channel}, ${waitingRequest.since}, ${waitingRequest.at}, ${waitingRequest.until},
  ${waitingRequest.source}, ${waitingRequest.decision}, ${waitingRequest.seconds}`;

const LIST_WAITING = query(sql`
  select ${WAITING_COLUMNS} from ${waitingRequest} where ${waitingRequest.until} > ${given("now")}
  order by ${waitingRequest.since}, ${waitingRequest.request}`);

const FIND_WAITING = query(sql`
  select ${WAITING_COLUMNS} from ${waitingRequest}
  where ${waitingRequest.request} = ${given("request")} and ${waitingRequest.until} > ${given("now")}`);

/** Neither used nor over. */
const IS_GOOD = sql`${requestApproval.until} > ${given("now")}
  and not exists (select 1 from ${counterUse}
    where ${counterUse.key} = ${given("use")} || ${requestApproval.id} and ${counterUse.uses} > 0)`;

const PUT_APPROVAL = query(sql`
  ${insertInto(requestApproval, { entrySeq: NEXT_SEQ })}
  where exists (select 1 from ${waitingRequest}
      where ${waitingRequest.request} = ${given("request")} and ${waitingRequest.until} > ${given("now")})
    and ${given("roster")} = ${ROSTER_SERIAL}
    and not exists (select 1 from ${requestApproval}
      where ${requestApproval.request} = ${given("request")} and ${requestApproval.person} = ${given("person")} and ${IS_GOOD})
  on conflict do nothing returning ${nameOf(requestApproval.id)}`);

const APPEND_APPROVAL = appendWhere(sql`
  exists (select 1 from ${requestApproval}
    where ${requestApproval.id} = ${given("id")} and ${requestApproval.entrySeq} = ${NEXT_SEQ})`);

const LIST_APPROVALS = query(sql`
  select ${requestApproval.id}, ${requestApproval.request}, ${requestApproval.person}, ${requestApproval.kid},
    ${requestApproval.envelope}, ${requestApproval.at}, ${requestApproval.until}
  from ${requestApproval} where ${requestApproval.request} = ${given("request")} and ${IS_GOOD}
  order by ${requestApproval.entrySeq} limit 64`);

function waitingOf(row: Row): WaitingRequest {
  return {
    request: textOf(row, waitingRequest.request),
    resource: textOf(row, waitingRequest.resource),
    op: wordOf(row, waitingRequest.op, ["release", "derive"]),
    report: textOf(row, waitingRequest.report),
    channel: wordOf(row, waitingRequest.channel, ["application", "ra-tls", "tls-exporter", "kbs"]),
    since: instantOf(row, waitingRequest.since),
    at: instantOf(row, waitingRequest.at),
    until: instantOf(row, waitingRequest.until),
    source: textOf(row, waitingRequest.source),
    decision: textOf(row, waitingRequest.decision),
    seconds: integerOf(row, waitingRequest.seconds),
  };
}

function approvalOf(row: Row): StoredRequestApproval {
  return {
    id: textOf(row, requestApproval.id),
    request: textOf(row, requestApproval.request),
    person: textOf(row, requestApproval.person),
    kid: textOf(row, requestApproval.kid),
    envelope: textOf(row, requestApproval.envelope),
    at: instantOf(row, requestApproval.at),
    until: instantOf(row, requestApproval.until),
  };
}
