/** Which statements keep keys that secrets are sealed to, and spend one with the version that it brought? */
import { sql } from "drizzle-orm/sql/sql";
import type { ImportStore, StoredImportKey } from "../broker/import-store.ts";
import { draftText } from "./draft-text.ts";
import { appendWhere, NEXT_SEQ } from "./ledger-statements.ts";
import {
  bytesOf,
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
import { importKey, secretVersion } from "./schema-sqlite.ts";
import { APPEND_VERSION, IS_NEW_VERSION, IS_NEXT_VERSION, newVersion } from "./secret-statements.ts";

/** The part of the Store contract that is about imports. */
export function createImportStore(driver: SqlDriver): ImportStore {
  return {
    putImportKey: async (key, entry) =>
      void (await driver.write([PUT({ ...key }), APPEND({ id: key.id, draft: draftText(entry) })])),
    importKey: async (id) => (await driver.read(FIND({ id }))).map(keyOf)[0],
    importKeys: async () => (await driver.read(LIST({}))).map(keyOf),
    rewrapImportKey: async (id, from, to) =>
      (await driver.write([REWRAP({ id, from, to })])).some((rows) => rows.length > 0),
    importSecretVersion: async (row, { key, now }, entry) => {
      const { path, version } = row;
      const [put] = await driver.write([
        PUT_BY({ ...newVersion(row), key, now }),
        SPEND({ path, version, key }),
        APPEND_VERSION({ path, version, draft: draftText(entry) }),
      ]);
      return put !== undefined && put.length > 0;
    },
  };
}

const PUT = query(sql`${insertInto(importKey, { entrySeq: NEXT_SEQ })}`);

const APPEND = appendWhere(sql`
  exists (select 1 from ${importKey} where ${importKey.id} = ${given("id")} and ${importKey.entrySeq} = ${NEXT_SEQ})`);

const PUT_BY = query(sql`
  ${insertInto(secretVersion, { entrySeq: NEXT_SEQ })}
  where ${IS_NEXT_VERSION} and exists (select 1 from ${importKey}
    where ${importKey.id} = ${given("key")} and ${importKey.expiresAt} > ${given("now")})
  on conflict do nothing returning ${nameOf(secretVersion.version)}`);

/** INVARIANT: the version is new from its own statement until its entry is there, so only this batch can forget the key. */
const SPEND = query(sql`
  delete from ${importKey} where ${importKey.id} = ${given("key")} and ${IS_NEW_VERSION}`);

const ROW = sql`${importKey.id}, ${importKey.suite}, ${importKey.publicKey}, ${importKey.wrapped}, ${importKey.expiresAt},
  ${importKey.createdAt}, ${importKey.createdBy}`;

const FIND = query(sql`select ${ROW} from ${importKey} where ${importKey.id} = ${given("id")}`);

const LIST = query(sql`select ${ROW} from ${importKey} order by ${importKey.id}`);

const REWRAP = query(sql`
  update ${importKey} set ${nameOf(importKey.wrapped)} = ${given("to")}
  where ${importKey.id} = ${given("id")} and ${importKey.wrapped} = ${given("from")} returning ${nameOf(importKey.id)}`);

function keyOf(row: Row): StoredImportKey {
  return {
    id: textOf(row, importKey.id),
    suite: integerOf(row, importKey.suite) === 1 ? 1 : 2,
    publicKey: bytesOf(row, importKey.publicKey),
    wrapped: bytesOf(row, importKey.wrapped),
    expiresAt: instantOf(row, importKey.expiresAt),
    createdAt: instantOf(row, importKey.createdAt),
    createdBy: textOf(row, importKey.createdBy),
  };
}
