/** Which statements keep sessions of the KBS exchange? */
import { sql } from "drizzle-orm/sql/sql";
import type { KbsStore } from "../broker/kbs/store.ts";
import { given, insertInto, instantOf, query, type SqlDriver, textOf } from "./query.ts";
import { kbsSession } from "./schema-sqlite.ts";

/** The part of the Store contract that is about the KBS exchange. */
export function createKbsStore(driver: SqlDriver): KbsStore {
  return {
    keepKbsSession: async (session) => void (await driver.write([KEEP({ ...session })])),
    kbsSession: async (id) =>
      (await driver.read(FIND({ id }))).map((row) => ({
        id: textOf(row, kbsSession.id),
        token: textOf(row, kbsSession.token),
        until: instantOf(row, kbsSession.until),
      }))[0],
  };
}

const KEEP = query(sql`${insertInto(kbsSession)} where true on conflict do nothing`);

const FIND = query(sql`
  select ${kbsSession.id}, ${kbsSession.token}, ${kbsSession.until} from ${kbsSession}
  where ${kbsSession.id} = ${given("id")}`);
