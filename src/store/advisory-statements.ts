/** Which statements keep editions of the advisory data? */
import { sql } from "drizzle-orm/sql/sql";
import type { AdvisoryStore, StoredAdvisory } from "../broker/advisory-store.ts";
import { draftText } from "./draft-text.ts";
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
  textOf,
} from "./query.ts";
import { advisory } from "./schema-governance.ts";

/** The part of the Store contract that is about AMD's bulletins. */
export function createAdvisoryStore(driver: SqlDriver): AdvisoryStore {
  return {
    newestAdvisory: async () => (await driver.read(NEWEST({}))).map(advisoryOf)[0],
    advisory: async (digest) => (await driver.read(FIND({ digest }))).map(advisoryOf)[0],
    putAdvisory: async (edition, { roster, newest }, draft) => {
      const { serial } = edition;
      const [put] = await driver.write([
        PUT({ ...edition, roster, newest }),
        APPEND({ serial, draft: draftText(draft) }),
      ]);
      return put !== undefined && put.length > 0;
    },
  };
}

const COLUMNS = sql`${advisory.serial}, ${advisory.digest}, ${advisory.envelope}, ${advisory.at}, ${advisory.by}`;

const NEWEST = query(sql`select ${COLUMNS} from ${advisory} order by ${advisory.serial} desc limit 1`);

const FIND = query(sql`select ${COLUMNS} from ${advisory} where ${advisory.digest} = ${given("digest")}
  order by ${advisory.serial} desc limit 1`);

const NEWEST_SERIAL = sql`(select coalesce(max(${advisory.serial}), 0) from ${advisory})`;

/** The same edition again is another envelope over the same bytes; a database is asked nothing about what is in them. */
const PUT = query(sql`
  ${insertInto(advisory, { entrySeq: NEXT_SEQ })}
  where ${given("serial")} >= ${NEWEST_SERIAL} and ${given("newest")} = ${NEWEST_SERIAL}
    and ${given("roster")} = ${ROSTER_SERIAL}
  on conflict (${nameOf(advisory.serial)}) do update set ${nameOf(advisory.envelope)} = excluded.envelope,
    ${nameOf(advisory.at)} = excluded.at, ${nameOf(advisory.by)} = excluded.by,
    ${nameOf(advisory.entrySeq)} = excluded.entry_seq
  where ${advisory.digest} = excluded.digest
  returning ${nameOf(advisory.serial)}`);

const APPEND = appendWhere(sql`
  exists (select 1 from ${advisory}
    where ${advisory.serial} = ${given("serial")} and ${advisory.entrySeq} = ${NEXT_SEQ})`);

function advisoryOf(row: Row): StoredAdvisory {
  return {
    serial: integerOf(row, advisory.serial),
    digest: textOf(row, advisory.digest),
    envelope: textOf(row, advisory.envelope),
    at: instantOf(row, advisory.at),
    by: textOf(row, advisory.by),
  };
}
