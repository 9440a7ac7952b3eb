/** How does a database come out of D1? Out of the SQL that `wrangler d1 export` wrote, carried out in memory and looked at as D1 is. */
import BetterSqlite3 from "better-sqlite3";
import { Fault } from "../base/fault.ts";
import { refuseOtherSchema } from "./d1.ts";
import { storeFault } from "./errors.ts";
import type { SqlDriver } from "./query.ts";
import { createSqliteDriver } from "./sqlite.ts";

/**
 * Opens what was exported, to be read.
 *
 * @param script - Schema and rows, as wrangler writes them.
 * @throws {@link Fault} `store/incompatible` for SQL that is no such export, or of other tables than this version's.
 */
export async function openD1Export(script: string): Promise<SqlDriver> {
  for (const statement of statementsOf(script)) refuseOther(statement);
  const database = new BetterSqlite3(":memory:");
  const driver = createSqliteDriver(database);
  try {
    carriedOut(() => database.exec(script));
    await refuseOtherSchema(driver);
    return driver;
  } catch (thrown) {
    await driver.close();
    throw thrown;
  }
}

function carriedOut(work: () => void): void {
  try {
    work();
  } catch (thrown) {
    throw storeFault(thrown);
  }
}

/** What an export is made of. Anything else, `attach` above all, has no business there. */
const KNOWN =
  /^(?:pragma defer_foreign_keys\b|create (?:unique )?(?:table|index)\b|insert into\b|delete from sqlite_sequence\b|$)/i;

function refuseOther(statement: string): void {
  if (KNOWN.test(statement)) return;
  throw new Fault(
    "store/incompatible",
    "expected what `wrangler d1 export` writes: tables, indexes and rows",
  );
}

const QUOTES: ReadonlySet<string> = new Set(["'", '"', "`"]);

/** The beginnings of all statements: enough to know each by. A semicolon within quotes or a comment ends nothing. */
export function statementsOf(script: string): readonly string[] {
  const found: string[] = [];
  let start = 0;
  for (let at = 0; at <= script.length; at += 1) {
    const character = script[at];
    if (character === undefined || character === ";") {
      found.push(script.slice(start, at).trimStart().slice(0, BEGINNING));
      start = at + 1;
    } else if (QUOTES.has(character)) {
      at = endOf(script, character, at + 1);
    } else if (script.startsWith("--", at)) {
      start = skipComment(script, { start, at });
      at = endOf(script, "\n", at);
    } else if (script.startsWith("/*", at) || character === "[") {
      found.push(character); // wrangler writes neither
    }
  }
  return found;
}

const BEGINNING = 60;

/** The place of the next such character; a doubled quote begins a quoted text anew, which does as well. */
function endOf(script: string, character: string, from: number): number {
  const end = script.indexOf(character, from);
  return end < 0 ? script.length : end;
}

/** A comment before a statement does not belong to it; one within is no beginning of anything. */
function skipComment(script: string, { start, at }: { readonly start: number; readonly at: number }): number {
  return script.slice(start, at).trim() === "" ? endOf(script, "\n", at) : start;
}
