/** Which decision is being written? What the statements of a commit, and those of its companions, guard themselves by. */
import { sql } from "drizzle-orm/sql/sql";
import { NEXT_SEQ } from "./ledger-statements.ts";
import { given } from "./query.ts";
import { decision } from "./schema-sqlite.ts";

// INVARIANT: a decision is "fresh" from the moment its row is there until its entry is: it stands at the next position
// of the ledger, which no earlier decision can. So a second commit under an old id or a spent nonce writes nothing.

/** Takes `id`. */
export const IS_FRESH = sql`${decision.id} = ${given("id")} and ${decision.seq} = ${NEXT_SEQ}`;

/** The decision gives the item whose index stands in `listed` (`%,3,%`). Good once every item was looked at; takes `id`, `listed`. */
export const GIVES_ITEM = sql`exists (select 1 from ${decision} where ${IS_FRESH}
  and (${decision.exhausted} = '' or ${decision.isAllOrNothing} = 0
    and ${decision.exhausted} || ',' not like ${given("listed")}))`;
