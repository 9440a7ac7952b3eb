/** Which statements keep who has read which version, and who has said that a later one took its place? */
import { sql } from "drizzle-orm/sql/sql";
import type { SecretReader, SecretStore } from "../broker/secret-store.ts";
import { given, instantOf, integerOf, nameOf, query, type Row, type SqlDriver, textOf } from "./query.ts";
import { secretReader } from "./schema-sqlite.ts";

/** What `confirmed_at` holds for a reader that has confirmed nothing. */
const NOTHING = 0;

/** The part of the Store contract that is about readers of secrets. */
export function createReaderStore(
  driver: SqlDriver,
): Pick<SecretStore, "readersOf" | "countReaders" | "confirmReaders"> {
  return {
    readersOf: async (path, version, limit) => {
      const statement =
        version === undefined ? LIST({ path, limit }) : LIST_OF_VERSION({ path, version, limit });
      return (await driver.read(statement)).map(readerOf);
    },
    countReaders: async (path, version) =>
      (await driver.read(COUNT({ path, version }))).map((row) => integerOf(row, secretReader.version))[0] ??
      0,
    confirmReaders: async ({ path, version, readers, at }) => {
      const [own = ""] = readers;
      const marked = await driver.write(readers.map((reader) => CONFIRM({ path, version, reader, own, at })));
      const versions = marked.flat().map((row) => integerOf(row, secretReader.version));
      return [...new Set(versions)].sort((a, b) => a - b);
    },
  };
}

const ROW = sql`${secretReader.path}, ${secretReader.version}, ${secretReader.reader}, ${secretReader.firstAt},
  ${secretReader.lastAt}, ${secretReader.decision}, ${secretReader.confirmedAt}`;

const ORDER = sql`order by case when ${secretReader.confirmedAt} = 0 then 0 else 1 end, ${secretReader.version},
  ${secretReader.lastAt} desc, ${secretReader.reader} limit ${given("limit")}`;

const LIST = query(sql`
  select ${ROW} from ${secretReader} where ${secretReader.path} = ${given("path")} ${ORDER}`);

const LIST_OF_VERSION = query(sql`
  select ${ROW} from ${secretReader}
  where ${secretReader.path} = ${given("path")} and ${secretReader.version} = ${given("version")} ${ORDER}`);

const COUNT = query(sql`
  select count(*) as ${nameOf(secretReader.version)} from ${secretReader}
  where ${secretReader.path} = ${given("path")} and ${secretReader.version} = ${given("version")}
    and ${secretReader.confirmedAt} = 0`);

/** Whoever has not read the version itself has nothing to say of earlier ones. */
const CONFIRM = query(sql`
  update ${secretReader} set ${nameOf(secretReader.confirmedAt)} = ${given("at")}
  where ${secretReader.path} = ${given("path")} and ${secretReader.version} < ${given("version")}
    and ${secretReader.reader} = ${given("reader")} and ${secretReader.confirmedAt} = 0
    and exists (select 1 from secret_reader self where self.path = ${given("path")}
      and self.version = ${given("version")} and self.reader = ${given("own")})
  returning ${nameOf(secretReader.version)}`);

function readerOf(row: Row): SecretReader {
  const confirmedAt = instantOf(row, secretReader.confirmedAt);
  return {
    path: textOf(row, secretReader.path),
    version: integerOf(row, secretReader.version),
    reader: textOf(row, secretReader.reader),
    firstAt: instantOf(row, secretReader.firstAt),
    lastAt: instantOf(row, secretReader.lastAt),
    decision: textOf(row, secretReader.decision),
    confirmedAt: confirmedAt === NOTHING ? undefined : confirmedAt,
  };
}
