/** What is measured at scale? Data folders with so many secrets, policies and entries, made by rows where the real way takes hours. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import BetterSqlite3, { type Database } from "better-sqlite3";
import { putSecret } from "../src/broker/secrets.ts";
import { type DemoSource, makeDemoFolder } from "../src/runtime/node/demo-folder.ts";
import { DATA_FILES } from "../src/runtime/node/init.ts";
import { openReleaseBench } from "./releases.ts";

/** So many are released in turn, spread over all paths, so that no page of the index is always the same one. */
const RELEASED = 50;
const ENVELOPE_BYTES = 200;
const ROWS_PER_TRANSACTION = 50_000;
const ADMIN = { kid: "admin-1" };

/** A broker with so many secrets, of which some can be released: the rest are rows of the same size that nobody opens. */
export async function folderOfSecrets(folder: string, secrets: number): Promise<void> {
  await makeDemoFolder(folder, { isUnlimited: true });
  const every = Math.max(1, Math.floor(secrets / RELEASED));
  const released = Array.from({ length: Math.min(RELEASED, secrets) }, (_, i) => pathOf(i * every));
  await putAll(folder, released);
  const database = bulk(folder);
  const insert =
    database.prepare(`insert into secret_version (path, version, kind, envelope, state, created_at, created_by,
    entry_seq, make, public_key, destroy_at, despite) values (?, 1, 'static', ?, 'enabled', 0, 'bench', ?, '', x'', 0, 0)`);
  const envelope = new Uint8Array(ENVELOPE_BYTES);
  inTransactions(database, secrets, (i) => {
    if (i % every !== 0 || i / every >= RELEASED) insert.run(pathOf(i), envelope, 1e9 + i);
  });
  database.close();
}

function pathOf(i: number): string {
  return `demo/${String(i).padStart(8, "0")}/key`;
}

/** Remembers which secrets there are to be released. */
async function putAll(folder: string, paths: readonly string[]): Promise<void> {
  const { world } = await openReleaseBench(folder, paths);
  for (const path of paths) await putSecret({ path, plaintext: new Uint8Array(32).fill(1) }, ADMIN, world); // in order: few
  await world.store.close();
  writeFileSync(join(folder, "secrets.json"), JSON.stringify(paths));
}

const POLICIES_PER_FILE = 50;

/** A broker with so many policies, of which two are the demonstration's; each other one is of paths of its own. */
export async function folderOfPolicies(folder: string, policies: number): Promise<void> {
  const more = Array.from({ length: Math.ceil((policies - 2) / POLICIES_PER_FILE) }, (_, file) =>
    sourceOf(file, Math.min(POLICIES_PER_FILE, policies - 2 - file * POLICIES_PER_FILE)),
  );
  const { secretPath } = await makeDemoFolder(folder, { isUnlimited: true, moreSources: more });
  writeFileSync(join(folder, "secrets.json"), JSON.stringify([secretPath]));
}

function sourceOf(file: number, policies: number): DemoSource {
  const texts = Array.from({ length: policies }, (_, i) => policyOf(`${file}-${i}`));
  return {
    path: `scale-${file}.writ`,
    text: `writ 1\nmodule scale.part${file} version 1.0.0 { owner "bench@demo.example" }\n${texts.join("")}`,
  };
}

function policyOf(name: string): string {
  return `
policy team-${name} {
  for resource "team-${name}/**"
  platform bare-metal
  require measurement == hex"${"5a".repeat(48)}" else "not the image of this team"
  require not guest.debug else "guest memory could be read"
  allow "boot" when request.op == release
  on release { token_ttl 1m }
}
`;
}

/** Puts so many decisions into the log, as the broker writes them; heads and tiles are for the broker to make. */
export function fillLedger(folder: string, entries: number): void {
  const database = bulk(folder);
  const begun = Number(database.prepare("select count(*) from ledger_entry").pluck().get());
  const sample = database
    .prepare("select draft from ledger_entry where draft like '%\"decision\"%' limit 1")
    .pluck();
  const draft = String(sample.get());
  const [, id = ""] = /"id":"(?<id>[0-9A-Z]{26})"/.exec(draft) ?? [];
  const insert = database.prepare(
    "insert into ledger_entry (seq, draft, exhausted, is_all_or_nothing) values (?, ?, '', 1)",
  );
  inTransactions(database, Math.max(0, entries - begun), (i) => {
    const seq = begun + i;
    insert.run(seq, draft.replace(id, `01J${String(seq).padStart(23, "0")}`));
  });
  database.close();
}

/** Nothing here is worth a flush: what a crash leaves of it is thrown away. */
function bulk(folder: string): Database {
  const database = new BetterSqlite3(join(folder, DATA_FILES.database));
  database.pragma("synchronous = off");
  return database;
}

function inTransactions(database: Database, rows: number, insert: (i: number) => void): void {
  const some = database.transaction((from: number, to: number) => {
    for (let i = from; i < to; i += 1) insert(i);
  });
  for (let from = 0; from < rows; from += ROWS_PER_TRANSACTION) {
    some(from, Math.min(rows, from + ROWS_PER_TRANSACTION));
  }
  database.pragma("wal_checkpoint(truncate)");
}
