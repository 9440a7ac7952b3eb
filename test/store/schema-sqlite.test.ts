import { is } from "drizzle-orm";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { describe, expect, it } from "vitest";
import * as findings from "../../src/store/schema-findings.ts";
import * as governance from "../../src/store/schema-governance.ts";
import * as schema from "../../src/store/schema-sqlite.ts";
import { openSqlite } from "../../src/store/sqlite-file.ts";
import { temporaryPath } from "./temporary.ts";

const tables = Object.values({ ...schema, ...findings, ...governance }).filter((value) =>
  is(value, SQLiteTable),
);

describe("the migrations", () => {
  it("make exactly the tables of the schema, all of them strict", () => {
    const database = openSqlite({ path: temporaryPath(), mode: "create" });
    const made = database
      .prepare<[], { name: string; strict: number }>(
        "select name, strict from pragma_table_list order by name",
      )
      .all()
      .filter(({ name }) => !name.startsWith("sqlite_"));
    database.close();
    const names = tables.map((table) => getTableConfig(table).name).sort();
    expect(made).toEqual(names.map((name) => ({ name, strict: 1 })));
  });

  it.each(tables.map((table) => [getTableConfig(table).name, getTableConfig(table)] as const))(
    "make %s with the columns, keys and indexes of the schema",
    (name, config) => {
      const database = openSqlite({ path: temporaryPath(), mode: "create" });
      const columns = database
        .prepare<[string], { name: string; type: string; notnull: number; pk: number }>(
          'select name, type, "notnull", pk from pragma_table_info(?)',
        )
        .all(name);
      const indexes = database
        .prepare<[string], { name: string; origin: string }>("select name, origin from pragma_index_list(?)")
        .all(name);
      database.close();
      const keys = config.primaryKeys.flatMap((key) => key.columns.map((column) => column.name));
      expect(columns.map((column) => [column.name, column.type.toLowerCase()])).toEqual(
        config.columns.map((column) => [column.name, column.getSQLType()]),
      );
      expect(columns.filter(({ pk }) => pk > 0).map((column) => column.name)).toEqual(
        config.columns
          .filter(({ primary, name }) => primary || keys.includes(name))
          .map((column) => column.name),
      );
      expect(columns.filter(({ pk, notnull }) => pk === 0 && notnull === 0)).toEqual([]);
      const declared = indexes.filter(({ origin }) => origin === "c").map((index) => index.name);
      expect(declared).toEqual(config.indexes.map((index) => index.config.name));
      expect(indexes.filter(({ origin }) => origin === "u")).toHaveLength(
        config.columns.filter(({ isUnique }) => isUnique).length,
      );
    },
  );
});
