/** Which statements keep decisions, spent nonces and refusals? */
import { sql } from "drizzle-orm/sql/sql";
import { USES_KEPT_SECONDS } from "../broker/credential-store.ts";
import { FINDINGS_KEPT_SECONDS } from "../broker/finding-store.ts";
import { GUESTS_KEPT_SECONDS } from "../broker/fleet-store.ts";
import {
  ATTEMPT_WINDOW_SECONDS,
  type DecisionRow,
  type DecisionStore,
  type Refusal,
  type StoredDecision,
} from "../broker/store.ts";
import { commitStatements, outcomeOf } from "./commit-batch.ts";
import { entryOf } from "./ledger-statements.ts";
import { refuseLargeGroup } from "./limits.ts";
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
import { credentialUse, drill, finding, guest } from "./schema-findings.ts";
import { requestApproval, waitingRequest } from "./schema-governance.ts";
import {
  adminRequest,
  attempt,
  counterUse,
  decision,
  dpopProof,
  importKey,
  kbsSession,
  ledgerEntry,
  nonceSpend,
  refusal,
} from "./schema-sqlite.ts";

/** The decision part of the Store contract. */
export function createDecisionStore(driver: SqlDriver): DecisionStore {
  return {
    commitDecisions: async (group) => {
      refuseLargeGroup(group);
      const batches = group.map(commitStatements);
      const answers = await driver.write(batches.flat());
      let end = 0;
      return batches.map((batch) => {
        end += batch.length;
        return outcomeOf(answers[end - 1] ?? []);
      });
    },
    isSpent: async (kid, rand) => (await driver.read(FIND_SPEND({ kid, rand }))).length > 0,
    countAttempts: async (reportId, resource, since) =>
      (await driver.read(COUNT_ATTEMPTS({ reportId, resource, since }))).map((row) =>
        integerOf(row, attempt.decisions),
      )[0] ?? 0,
    decision: async (id) => (await driver.read(FIND_DECISION({ id }))).map(decisionOf)[0],
    decisionRows: async (range) => (await driver.read(LIST_ROWS({ ...range }))).map(decisionRowOf),
    forgetTraces: async (range) => void (await driver.write([FORGET_TRACES({ ...range })])),
    decisionsFrom: async (seq, limit) => (await driver.read(LIST_DECISIONS({ seq, limit }))).map(decisionOf),
    decisionsBefore: async (before = Number.MAX_SAFE_INTEGER, limit) =>
      (await driver.read(LIST_BEFORE({ before, limit: Math.max(0, limit) }))).map(decisionOf),
    logRefusal: async (row) => void (await driver.write([LOG_REFUSAL({ ...row })])),
    refusal: async (id) => (await driver.read(FIND_REFUSAL({ id }))).map(refusalOf)[0],
    prune: async (now, refusalsBefore) =>
      void (await driver.write(
        FORGET.map((statement) =>
          statement({
            now,
            refusalsBefore,
            attemptsBefore: now - ATTEMPT_WINDOW_SECONDS,
            findingsBefore: now - FINDINGS_KEPT_SECONDS,
            usesBefore: now - USES_KEPT_SECONDS,
            guestsBefore: now - GUESTS_KEPT_SECONDS,
          }),
        ),
      )),
  };
}

const FIND_SPEND = query(sql`
  select ${nonceSpend.kid} from ${nonceSpend}
  where ${nonceSpend.kid} = ${given("kid")} and ${nonceSpend.rand} = ${given("rand")}`);

/** At most one row for each second since then. */
const COUNT_ATTEMPTS = query(sql`
  select coalesce(sum(${attempt.decisions}), 0) as ${nameOf(attempt.decisions)} from ${attempt}
  where ${attempt.reportId} = ${given("reportId")} and ${attempt.resource} = ${given("resource")}
    and ${attempt.at} >= ${given("since")}`);

const STORED_DECISION = sql`
  select ${decision.id}, ${decision.at}, ${decision.trace},
    ${ledgerEntry.seq}, ${ledgerEntry.draft}, ${ledgerEntry.exhausted}, ${ledgerEntry.isAllOrNothing}
  from ${decision} join ${ledgerEntry} on ${ledgerEntry.seq} = ${decision.seq}`;

const FIND_DECISION = query(sql`${STORED_DECISION} where ${decision.id} = ${given("id")}`);

const LIST_DECISIONS = query(sql`
  ${STORED_DECISION} where ${decision.seq} >= ${given("seq")} order by ${decision.seq} limit ${given("limit")}`);

const WITHIN = sql`${decision.seq} >= ${given("start")} and ${decision.seq} < ${given("end")}`;

const LIST_ROWS = query(sql`
  select ${decision.seq}, ${decision.id}, ${decision.at}, ${decision.trace} from ${decision}
  where ${WITHIN} order by ${decision.seq}`);

const FORGET_TRACES = query(sql`update ${decision} set ${nameOf(decision.trace)} = '' where ${WITHIN}`);

function decisionRowOf(row: Row): DecisionRow {
  return {
    seq: integerOf(row, decision.seq),
    id: textOf(row, decision.id),
    at: instantOf(row, decision.at),
    trace: textOf(row, decision.trace),
  };
}

const LIST_BEFORE = query(sql`
  ${STORED_DECISION} where ${decision.seq} < ${given("before")} order by ${decision.seq} desc limit ${given("limit")}`);

function decisionOf(row: Row): StoredDecision {
  return {
    ...entryOf(row),
    id: textOf(row, decision.id),
    at: instantOf(row, decision.at),
    trace: textOf(row, decision.trace),
  };
}

const LOG_REFUSAL = query(sql`${insertInto(refusal)} where true on conflict do nothing`);

const FIND_REFUSAL = query(sql`
  select ${refusal.id}, ${refusal.at}, ${refusal.source}, ${refusal.code}, ${refusal.format}
  from ${refusal} where ${refusal.id} = ${given("id")}`);

function refusalOf(row: Row): Refusal {
  return {
    id: textOf(row, refusal.id),
    at: instantOf(row, refusal.at),
    source: textOf(row, refusal.source),
    code: textOf(row, refusal.code),
    format: textOf(row, refusal.format),
  };
}

const FORGET = [
  query(sql`delete from ${nonceSpend} where ${nonceSpend.keepUntil} < ${given("now")}`),
  query(sql`delete from ${counterUse}
    where ${counterUse.windowSeconds} > 0 and ${counterUse.at} + ${counterUse.windowSeconds} <= ${given("now")}`),
  query(sql`delete from ${attempt} where ${attempt.at} < ${given("attemptsBefore")}`),
  query(sql`delete from ${adminRequest} where ${adminRequest.until} < ${given("now")}`),
  query(sql`delete from ${dpopProof} where ${dpopProof.until} < ${given("now")}`),
  query(sql`delete from ${kbsSession} where ${kbsSession.until} < ${given("now")}`),
  query(sql`delete from ${importKey} where ${importKey.expiresAt} < ${given("now")}`),
  query(sql`delete from ${waitingRequest} where ${waitingRequest.until} < ${given("now")}`),
  query(sql`delete from ${requestApproval} where ${requestApproval.until} < ${given("now")}`),
  query(sql`delete from ${refusal} where ${refusal.at} < ${given("refusalsBefore")}`),
  query(sql`delete from ${finding}
    where ${finding.remediatedAt} > 0 and ${finding.remediatedAt} < ${given("findingsBefore")}`),
  query(sql`delete from ${credentialUse} where ${credentialUse.lastAt} < ${given("usesBefore")}`),
  query(sql`delete from ${guest} where ${guest.lastAt} < ${given("guestsBefore")}`),
  query(sql`delete from ${drill} where ${drill.endsAt} < ${given("now")}`),
] as const;
