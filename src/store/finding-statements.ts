/** Which statements keep findings, spell by spell, and the turns of scans? */
import { sql } from "drizzle-orm/sql/sql";
import { utf8 } from "../base/bytes.ts";
import { canonicalJson, type JsonObject } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import { isJsonObject } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import type { Instant } from "../base/time.ts";
import {
  type FindingStore,
  type NamedSighting,
  REOPEN_SECONDS,
  type ScanRecord,
} from "../broker/finding-store.ts";
import { type Finding, REMEDIES, SEVERITIES } from "../wire/finding-messages.ts";
import { draftText } from "./draft-text.ts";
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
  textOf,
  wordOf,
} from "./query.ts";
import { finding, findingScan } from "./schema-findings.ts";

/** The part of the Store contract that is about findings. */
export function createFindingStore(driver: SqlDriver): FindingStore {
  return {
    putSightings: async (sightings, at) => {
      const written = await driver.write(sightings.map((sighting) => SEE(valuesOf(sighting, at))));
      return written.flat().flatMap((row) => (isNew(row, at) ? [textOf(row, finding.id)] : []));
    },
    openFindings: async (findingClass, after, limit) =>
      (await driver.read(LIST_OPEN({ class: findingClass, after, limit }))).map((row) => ({
        id: textOf(row, finding.id),
        subject: textOf(row, finding.subject),
      })),
    endFindings: async (ids, remedy, at) =>
      void (await driver.write(ids.map((id) => END({ id, remedy, at })))),
    findings: async ({ since, after, limit }) => {
      const { id, episode } = after ?? { id: "", episode: 0 };
      return (await driver.read(LIST({ since, id, episode, limit }))).map(findingOf);
    },
    finding: async (id) => (await driver.read(FIND({ id }))).map(findingOf),
    acknowledgeFinding: async ({ id, at, by, note }, entry) => {
      const values = { id, at, by, note, draft: draftText(entry) };
      const [, marked = []] = await driver.write([ACKNOWLEDGE_ENTRY(values), ACKNOWLEDGE(values)]);
      return marked.length > 0;
    },
    beginScan: async (name, at, before) =>
      (await driver.write([BEGIN({ name, at, before })])).some((rows) => rows.length > 0),
    endScan: async (turn) => void (await driver.write([FINISH({ ...turn })])),
    scans: async () => (await driver.read(LIST_SCANS({}))).map(scanOf),
  };
}

// ── what was seen ───────────────────────────────────────────────────────────────────────────────────────────────────

/** The spell that a sighting belongs to: the open one, one that ended a short time before, or else the next. */
const EPISODE = sql`coalesce((
  select case when last.remediated_at = 0 or last.remediated_at >= ${given("reopensFrom")}
    then last.episode else last.episode + 1 end
  from finding last where last.id = ${given("id")} order by last.episode desc limit 1), 1)`;

const ZERO = sql`0`;
const EMPTY = sql`''`;

/** One statement, so that of two brokers that see the same the second one adds to the first one's row. */
const SEE = query(sql`
  ${insertInto(finding, {
    episode: EPISODE,
    detectedAt: sql`${given("at")}`,
    seenAt: sql`${given("at")}`,
    acknowledgedAt: ZERO,
    acknowledgedBy: EMPTY,
    note: EMPTY,
    remediatedAt: ZERO,
    remedy: EMPTY,
    recurrences: ZERO,
  })} where true
  on conflict (${nameOf(finding.id)}, ${nameOf(finding.episode)}) do update set
    ${nameOf(finding.severity)} = excluded.severity, ${nameOf(finding.owner)} = excluded.owner,
    ${nameOf(finding.sentence)} = excluded.sentence, ${nameOf(finding.advice)} = excluded.advice,
    ${nameOf(finding.evidence)} = excluded.evidence, ${nameOf(finding.seenAt)} = excluded.seen_at,
    ${nameOf(finding.introducedAt)} = case when ${finding.introducedAt} = 0
      then excluded.introduced_at else ${finding.introducedAt} end,
    ${nameOf(finding.recurrences)} = ${finding.recurrences}
      + case when ${finding.remediatedAt} > 0 then 1 else 0 end,
    ${nameOf(finding.acknowledgedAt)} = case when ${finding.remediatedAt} > 0
      then 0 else ${finding.acknowledgedAt} end,
    ${nameOf(finding.acknowledgedBy)} = case when ${finding.remediatedAt} > 0
      then '' else ${finding.acknowledgedBy} end,
    ${nameOf(finding.note)} = case when ${finding.remediatedAt} > 0 then '' else ${finding.note} end,
    ${nameOf(finding.remediatedAt)} = 0, ${nameOf(finding.remedy)} = ''
  where ${finding.seenAt} < excluded.seen_at and ${finding.remediatedAt} < excluded.seen_at
  returning ${nameOf(finding.id)}, ${nameOf(finding.detectedAt)}, ${nameOf(finding.recurrences)}`);

function valuesOf({ drill = "", introducedAt, evidence, ...sighting }: NamedSighting, at: Instant) {
  return {
    ...sighting,
    drill,
    introducedAt: introducedAt ?? 0,
    at,
    evidence: canonicalJson(evidence),
    reopensFrom: Math.max(0, at - REOPEN_SECONDS),
  };
}

function isNew(row: Row, at: Instant): boolean {
  return instantOf(row, finding.detectedAt) === at && integerOf(row, finding.recurrences) === 0;
}

const LIST_OPEN = query(sql`
  select ${finding.id}, ${finding.subject} from ${finding}
  where ${finding.class} = ${given("class")} and ${finding.remediatedAt} = 0 and ${finding.id} > ${given("after")}
  order by ${finding.id} limit ${given("limit")}`);

const END = query(sql`
  update ${finding} set ${nameOf(finding.remediatedAt)} = ${given("at")}, ${nameOf(finding.remedy)} = ${given("remedy")}
  where ${finding.id} = ${given("id")} and ${finding.remediatedAt} = 0 and ${finding.seenAt} < ${given("at")}`);

// ── what is asked ───────────────────────────────────────────────────────────────────────────────────────────────────

const ROW = sql`${finding.id}, ${finding.episode}, ${finding.class}, ${finding.subject}, ${finding.severity},
  ${finding.owner}, ${finding.sentence}, ${finding.advice}, ${finding.evidence}, ${finding.drill},
  ${finding.introducedAt}, ${finding.detectedAt}, ${finding.seenAt}, ${finding.acknowledgedAt},
  ${finding.acknowledgedBy}, ${finding.note}, ${finding.remediatedAt}, ${finding.remedy}, ${finding.recurrences}`;

const LIST = query(sql`
  select ${ROW} from ${finding}
  where (${finding.id}, ${finding.episode}) > (${given("id")}, ${given("episode")})
    and (${finding.remediatedAt} = 0 or ${finding.remediatedAt} >= ${given("since")}
      or ${finding.detectedAt} >= ${given("since")})
  order by ${finding.id}, ${finding.episode} limit ${given("limit")}`);

const FIND = query(sql`
  select ${ROW} from ${finding} where ${finding.id} = ${given("id")} order by ${finding.episode} desc limit 100`);

const IS_UNKNOWN_TO_ALL = sql`${finding.id} = ${given("id")} and ${finding.remediatedAt} = 0
  and ${finding.acknowledgedAt} = 0`;

const ACKNOWLEDGE_ENTRY = appendWhere(sql`exists (select 1 from ${finding} where ${IS_UNKNOWN_TO_ALL})`);

const ACKNOWLEDGE = query(sql`
  update ${finding} set ${nameOf(finding.acknowledgedAt)} = ${given("at")},
    ${nameOf(finding.acknowledgedBy)} = ${given("by")}, ${nameOf(finding.note)} = ${given("note")}
  where ${IS_UNKNOWN_TO_ALL} returning ${nameOf(finding.id)}`);

function findingOf(row: Row): Finding {
  const introducedAt = instantOf(row, finding.introducedAt);
  const acknowledgedAt = instantOf(row, finding.acknowledgedAt);
  const remediatedAt = instantOf(row, finding.remediatedAt);
  const drill = textOf(row, finding.drill);
  return {
    id: textOf(row, finding.id),
    episode: integerOf(row, finding.episode),
    class: textOf(row, finding.class),
    subject: textOf(row, finding.subject),
    severity: wordOf(row, finding.severity, SEVERITIES),
    owner: textOf(row, finding.owner),
    sentence: textOf(row, finding.sentence),
    advice: textOf(row, finding.advice),
    evidence: evidenceOf(textOf(row, finding.evidence)),
    ...(drill === "" ? {} : { drill }),
    introducedAt: introducedAt === 0 ? undefined : introducedAt,
    detectedAt: instantOf(row, finding.detectedAt),
    seenAt: instantOf(row, finding.seenAt),
    ...(acknowledgedAt === 0
      ? {}
      : {
          acknowledged: {
            at: acknowledgedAt,
            by: textOf(row, finding.acknowledgedBy),
            note: textOf(row, finding.note),
          },
        }),
    ...(remediatedAt === 0
      ? {}
      : { remediated: { at: remediatedAt, how: wordOf(row, finding.remedy, REMEDIES) } }),
    recurrences: integerOf(row, finding.recurrences),
  };
}

const EVIDENCE_LIMITS = { maxBytes: 1 << 20, maxDepth: 64, code: "store/incompatible" } as const;

function evidenceOf(text: string): JsonObject {
  const value = parseStrictJson(utf8(text), EVIDENCE_LIMITS);
  if (isJsonObject(value)) return value;
  throw new Fault("store/incompatible", "the database holds evidence of a finding that is no JSON object");
}

// ── turns of scans ──────────────────────────────────────────────────────────────────────────────────────────────────

const BEGIN = query(sql`
  ${insertInto(findingScan, {
    begunAt: sql`${given("at")}`,
    endedAt: ZERO,
    runs: ZERO,
    subjects: ZERO,
    blind: ZERO,
    findings: ZERO,
    trouble: EMPTY,
  })} where true
  on conflict (${nameOf(findingScan.name)}) do update set ${nameOf(findingScan.begunAt)} = excluded.begun_at
  where ${findingScan.begunAt} <= ${given("before")}
  returning ${nameOf(findingScan.name)}`);

const FINISH = query(sql`
  update ${findingScan} set ${nameOf(findingScan.endedAt)} = ${given("at")},
    ${nameOf(findingScan.runs)} = ${findingScan.runs} + 1, ${nameOf(findingScan.subjects)} = ${given("subjects")},
    ${nameOf(findingScan.blind)} = ${given("blind")}, ${nameOf(findingScan.findings)} = ${given("findings")},
    ${nameOf(findingScan.trouble)} = ${given("trouble")}
  where ${findingScan.name} = ${given("name")}`);

const LIST_SCANS = query(sql`
  select ${findingScan.name}, ${findingScan.endedAt}, ${findingScan.runs}, ${findingScan.subjects},
    ${findingScan.blind}, ${findingScan.findings}, ${findingScan.trouble}
  from ${findingScan} where ${findingScan.runs} > 0 order by ${findingScan.name}`);

function scanOf(row: Row): ScanRecord {
  return {
    name: textOf(row, findingScan.name),
    at: instantOf(row, findingScan.endedAt),
    runs: integerOf(row, findingScan.runs),
    subjects: integerOf(row, findingScan.subjects),
    blind: integerOf(row, findingScan.blind),
    findings: integerOf(row, findingScan.findings),
    trouble: textOf(row, findingScan.trouble),
  };
}
