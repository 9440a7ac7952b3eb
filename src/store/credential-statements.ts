/** Which statements keep uses of credentials, and drills? */
import { sql } from "drizzle-orm/sql/sql";
import type { CredentialStore, CredentialUse, Drill } from "../broker/credential-store.ts";
import { draftText } from "./draft-text.ts";
import { appendWhere, NEXT_SEQ } from "./ledger-statements.ts";
import { given, insertInto, instantOf, nameOf, query, type Row, type SqlDriver, textOf } from "./query.ts";
import { credentialUse, drill } from "./schema-findings.ts";

/** The part of the Store contract that is about credentials. */
export function createCredentialStore(driver: SqlDriver): CredentialStore {
  return {
    noteUses: async (uses) => void (await driver.write(uses.map((use) => NOTE_USE({ ...use })))),
    credentialUses: async (after, limit) => (await driver.read(LIST_USES({ after, limit }))).map(useOf),
    putDrill: async (planted, entry) =>
      void (await driver.write([PUT_DRILL({ ...planted }), APPEND({ draft: draftText(entry) })])),
    endDrill: async (id, at, entry) => {
      const values = { id, at, draft: draftText(entry) };
      const [, ended = []] = await driver.write([END_ENTRY(values), END_DRILL(values)]);
      return ended.length > 0;
    },
    drills: async (now) => (await driver.read(LIST_DRILLS({ now }))).map(drillOf),
  };
}

const NOTE_USE = query(sql`
  ${insertInto(credentialUse)} where true on conflict (${nameOf(credentialUse.name)}) do update set
    ${nameOf(credentialUse.firstAt)} = case when excluded.first_at < ${credentialUse.firstAt}
      then excluded.first_at else ${credentialUse.firstAt} end,
    ${nameOf(credentialUse.about)} = case when excluded.last_at >= ${credentialUse.lastAt}
      then excluded.about else ${credentialUse.about} end,
    ${nameOf(credentialUse.lastAt)} = case when excluded.last_at > ${credentialUse.lastAt}
      then excluded.last_at else ${credentialUse.lastAt} end`);

const LIST_USES = query(sql`
  select ${credentialUse.name}, ${credentialUse.firstAt}, ${credentialUse.lastAt}, ${credentialUse.about}
  from ${credentialUse} where ${credentialUse.name} > ${given("after")}
  order by ${credentialUse.name} limit ${given("limit")}`);

function useOf(row: Row): CredentialUse {
  return {
    name: textOf(row, credentialUse.name),
    firstAt: instantOf(row, credentialUse.firstAt),
    lastAt: instantOf(row, credentialUse.lastAt),
    about: textOf(row, credentialUse.about),
  };
}

// ── drills ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The row takes the position of the entry that follows it in the same batch. */
const PUT_DRILL = query(sql`${insertInto(drill, { entrySeq: NEXT_SEQ })}`);

const APPEND = appendWhere(sql`true`);

const RUNS = sql`${drill.id} = ${given("id")} and ${drill.endsAt} > ${given("at")}`;

const END_ENTRY = appendWhere(sql`exists (select 1 from ${drill} where ${RUNS})`);

const END_DRILL = query(sql`
  update ${drill} set ${nameOf(drill.endsAt)} = ${given("at")} where ${RUNS} returning ${nameOf(drill.id)}`);

const LIST_DRILLS = query(sql`
  select ${drill.id}, ${drill.kind}, ${drill.plantedAt}, ${drill.endsAt}, ${drill.plantedBy} from ${drill}
  where ${drill.endsAt} > ${given("now")} order by ${drill.id}`);

function drillOf(row: Row): Drill {
  return {
    id: textOf(row, drill.id),
    kind: textOf(row, drill.kind),
    plantedAt: instantOf(row, drill.plantedAt),
    endsAt: instantOf(row, drill.endsAt),
    plantedBy: textOf(row, drill.plantedBy),
  };
}
