/**
 * Which statements make a group of decisions durable? Raw SQL over the schema's names: the batch runs for every
 * release, its statements guard one another, and neither has a form in drizzle's query builder.
 */
import { sql } from "drizzle-orm/sql/sql";
import type { CommitItem, CommitOutcome, CounterUse, DecisionCommit } from "../broker/store.ts";
import { draftText } from "./draft-text.ts";
import { GIVES_ITEM, IS_FRESH } from "./fresh-decision.ts";
import { heldStatements, takeLeaseStatements } from "./lease-statements.ts";
import { exhaustedOf, NEXT_SEQ } from "./ledger-statements.ts";
import {
  given,
  insertInto,
  integerOf,
  nameOf,
  query,
  type Row,
  type SqlValues,
  type Statement,
} from "./query.ts";
import { endWaitingStatements } from "./request-approval-statements.ts";
import { attempt, counterUse, decision, ledgerEntry, nonceSpend, secretReader } from "./schema-sqlite.ts";

/** The statements of one commit, in order. The last one answers a row if, and only if, this decision was committed. */
export function commitStatements(commit: DecisionCommit): readonly Statement[] {
  const own = { id: commit.id, at: commit.at };
  return [
    ...recordStatements(commit),
    ...commit.items.flatMap((item, index) => [
      ...heldStatements(commit, index),
      ...takeStatements(own, item, index),
    ]),
    ...giveBackStatements(commit),
    ...readStatements(commit),
    ...takeLeaseStatements(commit),
    ...endWaitingStatements(commit),
    ...[...new Set(commit.items.map(({ resource }) => resource))].map((resource) =>
      COUNT_ATTEMPT({ ...own, reportId: commit.reportId, resource, decisions: 1 }),
    ),
    APPEND_DECISION({ ...own, draft: draftText(commit.draft) }),
  ];
}

/** Where a nonce is spent, the decision is there only if it was this one that spent it. */
function recordStatements({ id, at, spend, isAllOrNothing, trace }: DecisionCommit): readonly Statement[] {
  const row = { id, at, isAllOrNothing: isAllOrNothing ? 1 : 0, trace };
  if (spend === undefined) return [RECORD_USE(row)];
  return [CLAIM_NONCE({ ...spend, decision: id }), RECORD_DECISION({ ...row, ...spend })];
}

/** The outcome of a commit, from the rows of its last statement. */
export function outcomeOf(rows: readonly Row[]): CommitOutcome {
  const [row] = rows;
  if (row === undefined) return { kind: "nonce-spent" };
  return { kind: "committed", seq: integerOf(row, ledgerEntry.seq), exhausted: exhaustedOf(row) };
}

const CLAIM_NONCE = query(sql`${insertInto(nonceSpend)} where true on conflict do nothing`);

const RECORD_DECISION = query(sql`
  ${insertInto(decision, { seq: NEXT_SEQ, exhausted: sql`''` })}
  where exists (select 1 from ${nonceSpend}
    where ${nonceSpend.kid} = ${given("kid")} and ${nonceSpend.rand} = ${given("rand")}
      and ${nonceSpend.decision} = ${given("id")})
  on conflict do nothing`);

const RECORD_USE = query(sql`
  ${insertInto(decision, { seq: NEXT_SEQ, exhausted: sql`''` })} where true on conflict do nothing`);

const COUNT_ATTEMPT = query(sql`
  ${insertInto(attempt)} where exists (select 1 from ${decision} where ${IS_FRESH})
  on conflict (${nameOf(attempt.reportId)}, ${nameOf(attempt.resource)}, ${nameOf(attempt.at)})
  do update set ${nameOf(attempt.decisions)} = ${attempt.decisions} + 1`);

const APPEND_DECISION = query(sql`
  insert into ${ledgerEntry} (${nameOf(ledgerEntry.seq)}, ${nameOf(ledgerEntry.draft)},
    ${nameOf(ledgerEntry.exhausted)}, ${nameOf(ledgerEntry.isAllOrNothing)})
  select ${decision.seq}, ${given("draft")}, ${decision.exhausted}, ${decision.isAllOrNothing}
  from ${decision} where ${IS_FRESH}
  returning ${nameOf(ledgerEntry.seq)}, ${nameOf(ledgerEntry.exhausted)}`);

// ── counters ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Marks the item exhausted if one of its counters has no room, then takes all of its uses if it is not marked. */
function takeStatements(
  own: { readonly id: string; readonly at: number },
  item: CommitItem,
  index: number,
): readonly Statement[] {
  const mark = { mark: `,${index}`, marked: `%,${index}` };
  const marks = item.uses.map((use, position) =>
    MARK_EXHAUSTED({ ...own, ...mark, ...counterOf(use, own.at), least: leastTaken(item.uses, position) }),
  );
  const takes = item.uses.map((use) => TAKE_USE({ ...own, ...mark, ...counterOf(use, own.at), uses: 1 }));
  return [...marks, ...takes];
}

/** How many taken uses leave no room for this one: its limit, less the item's own earlier uses of the same counter. */
function leastTaken(uses: readonly CounterUse[], position: number): number {
  const use = uses[position];
  const isSame = (other: CounterUse): boolean =>
    other.key === use?.key && other.windowSeconds === use.windowSeconds;
  return (use?.limit ?? 0) - uses.slice(0, position).filter(isSame).length;
}

/** Where all or nothing was asked for and an item found no room, the other items give back what they took. */
function giveBackStatements({ id, at, items, isAllOrNothing }: DecisionCommit): readonly Statement[] {
  if (!isAllOrNothing || items.length < 2) return [];
  return items.flatMap((item, index) =>
    item.uses.map((use) => GIVE_BACK({ id, listed: `%,${index},%`, ...counterOf(use, at) })),
  );
}

/** Whoever is given a version has read it from then on, whatever becomes of the answer; reading takes a confirmation back. */
function readStatements({ id, at, reportId, items }: DecisionCommit): readonly Statement[] {
  return items.flatMap(({ resource, reads }, index) =>
    reads === undefined
      ? []
      : [KEEP_READER({ id, at, listed: `%,${index},%`, path: resource, version: reads, reader: reportId })],
  );
}

/** Uses that count for ever share one row; others have one per second, and count while later than `after`. */
function counterOf({ key, windowSeconds }: CounterUse, at: number): SqlValues {
  if (windowSeconds === undefined) return { key, windowSeconds: 0, at: 0, after: -1 };
  return { key, windowSeconds, at, after: at - windowSeconds };
}

const AT = sql`${given("at")}`;

const KEEP_READER = query(sql`
  ${insertInto(secretReader, { firstAt: AT, lastAt: AT, decision: sql`${given("id")}`, confirmedAt: sql`0` })}
  where ${GIVES_ITEM}
  on conflict (${nameOf(secretReader.path)}, ${nameOf(secretReader.version)}, ${nameOf(secretReader.reader)})
  do update set ${nameOf(secretReader.lastAt)} = excluded.last_at, ${nameOf(secretReader.decision)} = excluded.decision,
    ${nameOf(secretReader.confirmedAt)} = 0`);

const USES_WITHIN = sql`(select coalesce(sum(${counterUse.uses}), 0) from ${counterUse}
  where ${counterUse.key} = ${given("key")} and ${counterUse.windowSeconds} = ${given("windowSeconds")}
    and ${counterUse.at} > ${given("after")})`;

const MARK_EXHAUSTED = query(sql`
  update ${decision} set ${nameOf(decision.exhausted)} = ${decision.exhausted} || ${given("mark")}
  where ${IS_FRESH} and ${decision.exhausted} not like ${given("marked")} and ${USES_WITHIN} >= ${given("least")}`);

const TAKE_USE = query(sql`
  ${insertInto(counterUse)}
  where exists (select 1 from ${decision} where ${IS_FRESH} and ${decision.exhausted} not like ${given("marked")})
  on conflict (${nameOf(counterUse.key)}, ${nameOf(counterUse.windowSeconds)}, ${nameOf(counterUse.at)})
  do update set ${nameOf(counterUse.uses)} = ${counterUse.uses} + 1`);

const GIVE_BACK = query(sql`
  update ${counterUse} set ${nameOf(counterUse.uses)} = ${counterUse.uses} - 1
  where ${counterUse.key} = ${given("key")} and ${counterUse.windowSeconds} = ${given("windowSeconds")}
    and ${counterUse.at} = ${given("at")}
    and exists (select 1 from ${decision} where ${IS_FRESH} and ${decision.exhausted} <> ''
      and ${decision.exhausted} || ',' not like ${given("listed")})`);
