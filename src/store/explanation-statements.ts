/** Which statements keep why a gain is meant? */
import { sql } from "drizzle-orm/sql/sql";
import type { ExplanationStore, StoredExplanation } from "../broker/explanation-store.ts";
import { draftText } from "./draft-text.ts";
import { appendWhere, NEXT_SEQ } from "./ledger-statements.ts";
import { given, insertInto, instantOf, nameOf, query, type Row, type SqlDriver, textOf } from "./query.ts";
import { gainExplanation } from "./schema-governance.ts";
import { bundle } from "./schema-sqlite.ts";

/** The part of the Store contract that is about explained gains. */
export function createExplanationStore(driver: SqlDriver): ExplanationStore {
  return {
    putExplanation: async (row, entry) => {
      const { id } = row;
      const [put] = await driver.write([PUT({ ...row }), APPEND({ id, draft: draftText(entry) })]);
      return put !== undefined && put.length > 0;
    },
    explanations: async (digest) => (await driver.read(LIST({ digest }))).map(explanationOf),
  };
}

const PUT = query(sql`
  ${insertInto(gainExplanation, { entrySeq: NEXT_SEQ })}
  where exists (select 1 from ${bundle} where ${bundle.digest} = ${given("digest")})
  on conflict do nothing returning ${nameOf(gainExplanation.id)}`);

const APPEND = appendWhere(sql`
  exists (select 1 from ${gainExplanation}
    where ${gainExplanation.id} = ${given("id")} and ${gainExplanation.entrySeq} = ${NEXT_SEQ})`);

const LIST = query(sql`
  select ${gainExplanation.id}, ${gainExplanation.digest}, ${gainExplanation.signature}, ${gainExplanation.at},
    ${gainExplanation.by}
  from ${gainExplanation} where ${gainExplanation.digest} = ${given("digest")} order by ${gainExplanation.entrySeq}`);

function explanationOf(row: Row): StoredExplanation {
  return {
    id: textOf(row, gainExplanation.id),
    digest: textOf(row, gainExplanation.digest),
    signature: textOf(row, gainExplanation.signature),
    at: instantOf(row, gainExplanation.at),
    by: textOf(row, gainExplanation.by),
  };
}
