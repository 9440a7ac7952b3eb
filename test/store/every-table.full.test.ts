/** Can whoever writes to the database make a policy live? Every table is edited; a start or the next decision refuses, or nothing changed. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { getTableName } from "drizzle-orm/table";
import { getTableColumns } from "drizzle-orm/utils";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { addSeconds } from "../../src/base/time.ts";
import { liveAdvisory } from "../../src/broker/advisories.ts";
import { advanceCheckpoint } from "../../src/broker/checkpoints.ts";
import { beginEpoch } from "../../src/broker/startup.ts";
import type { World } from "../../src/broker/world.ts";
import { signAdvisory } from "../../src/policy/advisory.ts";
import { signApproval } from "../../src/policy/approval.ts";
import { packBundle } from "../../src/policy/bundle.ts";
import { type RosterChange, signRosterChange } from "../../src/policy/roster.ts";
import { signBundle } from "../../src/policy/signatures.ts";
import { signActivation } from "../../src/policy/statements.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { openPostgresDriver } from "../../src/store/postgres.ts";
import type { Row, SqlDriver, SqlValue } from "../../src/store/query.ts";
import { createSqliteDriver } from "../../src/store/sqlite.ts";
import { openSqlite } from "../../src/store/sqlite-file.ts";
import { createSqlStore } from "../../src/store/statements.ts";
import { KEPT_TABLES } from "../../src/store/tables.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { governedParts, type PersonAtHand, peopleAtHand } from "../http/people-at-hand.ts";
import { advisory } from "../policy/advisory-at-hand.ts";
import { describeWithPostgres, startPostgres, type TestServer } from "../support/postgres.ts";
import { securityKey } from "../support/security-key.ts";
import { temporaryFolder } from "./temporary.ts";

const { digest: sha } = nodePrimitives;

function policyOf(version: string, ...requires: readonly string[]): string {
  return `writ 1
module acme.test version ${version} { owner "ops@acme.example" }
policy disks {
  for resource "prod/**"
${requires.map((one) => `  require ${one}\n`).join("")}  allow "boot" when request.op == release
}
`;
}

/** What the broker is about, and what somebody who writes to its database would like. */
interface Story {
  readonly world: World;
  /** Live before, approved by two people's work. */
  readonly first: string;
  /** Live now; it narrows. */
  readonly live: string;
  /** Proposed and signed by an author, approved by nobody. */
  readonly wanted: string;
  /** Digest of the newest edition of the advisory; there is an older one. */
  readonly advisory: string;
}

/** A broker with a history: two activations, an approval by a security key, an admin who was removed, and a bundle that waits for approval. */
async function toldIn(driver: SqlDriver): Promise<Story> {
  const store = createSqlStore(driver);
  const people = peopleAtHand({ approvals: 1, rootThreshold: 1 }, () => ({ store }));
  const { world } = people.broker;
  const ada = people.add({ kid: "ada", roles: ["author", "operator"], owns: ["root"] });
  const ben = people.add({ kid: "ben", roles: ["approver"], key: securityKey() });
  const eve = people.stranger({ kid: "eve", roles: ["approver", "author", "operator"] });
  await beginEpoch(world);
  const first = await proposed(ada, policyOf("1.0.0", "not guest.debug"));
  const { serial, verdict } = await ben.admin.reviewBundle(first);
  const expires = addSeconds(world.now(), 3600);
  const approval = {
    decision: "approve",
    digest: first,
    serial,
    audience: AUDIENCE,
    expires,
    verdict,
  } as const;
  await ben.admin.approveBundle(first, await signApproval(approval, ben.signer));
  await activate(ada, first, world);
  await changed(ada, { act: "add", admin: eve.record }, world);
  const live = await proposed(ada, policyOf("1.1.0", "not guest.debug", "vmpl == 0"));
  await activate(ada, live, world);
  await changed(ada, { act: "remove", kid: "eve" }, world);
  const wanted = await proposed(ada, policyOf("2.0.0"));
  await ada.admin.importAdvisory(await signAdvisory(advisory(), ada.signer));
  const { digest } = await ada.admin.importAdvisory(await signAdvisory(advisory({ serial: 2 }), ada.signer));
  await advanceCheckpoint(world);
  return { world, first, live, wanted, advisory: digest };
}

async function proposed({ admin, signer }: PersonAtHand, text: string): Promise<string> {
  const { live } = await admin.listBundles();
  const tar = packBundle([{ path: "test.writ", text }], live?.digest, sha);
  return (await admin.proposeBundle({ tar, signature: await signBundle(tar, signer) })).digest;
}

async function activate({ admin, signer }: PersonAtHand, digest: string, world: World): Promise<void> {
  const { live, roster = null } = await admin.listBundles();
  const order = { digest, serial: (live?.serial ?? 0) + 1, audience: AUDIENCE, at: world.now(), roster };
  await admin.activateBundle(digest, await signActivation(order, signer));
}

async function changed({ admin, signer }: PersonAtHand, change: RosterChange, world: World): Promise<void> {
  const { serial, head, live } = await admin.listAdmins();
  const statement = { serial: serial + 1, previous: head, audience: AUDIENCE, live, at: world.now(), change };
  await admin.changeRoster(await signRosterChange(statement, signer));
}

/** What is asked of a broker that begins on a database. */
type Ask = (world: World) => Promise<{ readonly digest: string } | undefined>;

const liveBundle: Ask = (world) => world.liveBundle();

/** What a broker that begins on this database goes by: a digest, or the code by which it refuses. */
async function outcomeOf(driver: SqlDriver, { world }: Story, ask: Ask): Promise<string | undefined> {
  const base = { ...world, store: createSqlStore(driver) };
  const anew: World = { ...base, ...governedParts(base) };
  try {
    await beginEpoch(anew);
    return (await ask(anew))?.digest;
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown) return String(thrown.code);
    throw thrown;
  }
}

interface Edit {
  readonly name: string;
  readonly statements: readonly { readonly text: string; readonly params: readonly SqlValue[] }[];
}

/** Each column of the newest row of each table otherwise, and each table without its newest row, and without any. */
async function editsOf(driver: SqlDriver): Promise<readonly Edit[]> {
  const edits: Edit[] = [];
  for (const { table, key } of KEPT_TABLES) {
    const name = getTableName(table);
    const order = key.map((column) => `"${column.name}" desc`).join(", ");
    const [row] = await driver.read({
      text: `select * from "${name}" order by ${order} limit 1`,
      params: [],
    }); // in order
    if (row === undefined) continue;
    const place = key.map((column) => `"${column.name}" = ?`).join(" and ");
    const at = key.map((column) => cellOf(row, column.name));
    edits.push({ name: `${name} emptied`, statements: [{ text: `delete from "${name}"`, params: [] }] });
    edits.push({
      name: `${name} without its newest row`,
      statements: [{ text: `delete from "${name}" where ${place}`, params: at }],
    });
    for (const column of Object.values(getTableColumns(table))) {
      const text = `update "${name}" set "${column.name}" = ? where ${place}`;
      const params = [otherThan(cellOf(row, column.name)), ...at];
      edits.push({ name: `${name}.${column.name} otherwise`, statements: [{ text, params }] });
    }
  }
  return edits;
}

function cellOf(row: Row, column: string): SqlValue {
  const value = row[column];
  if (typeof value === "string" || typeof value === "number") return value;
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  throw new Error(`a value of another kind in ${column}`);
}

function otherThan(value: SqlValue): SqlValue {
  if (typeof value === "number") return value + 1;
  if (typeof value === "string") return `${value.startsWith("0") ? "1" : "0"}${value.slice(1)}`;
  return value.length === 0
    ? Uint8Array.of(1)
    : value.map((byte, i) => (i === value.length - 1 ? byte ^ 1 : byte));
}

/** What somebody would do who knows these tables. None of it may leave the broker as it was. */
function attacksOn({ first, live, wanted }: Story): readonly Edit[] {
  const edit = (name: string, ...statements: readonly (readonly [string, ...SqlValue[]])[]): Edit => ({
    name,
    statements: statements.map(([text, ...params]) => ({ text, params })),
  });
  return [
    edit("the live activation names the wanted bundle", [
      "update activation set digest = ? where serial = 2",
      wanted,
    ]),
    edit("the wanted bundle has the live one's name", [
      "update bundle set tar = (select b.tar from bundle b where b.digest = ?), signature = (select b.signature from bundle b where b.digest = ?) where digest = ?",
      wanted,
      wanted,
      live,
    ]),
    edit("an activation like the last is written for the wanted bundle", [
      "insert into activation select 3, ?, signature, at, by, 9001 from activation where serial = 2",
      wanted,
    ]),
    edit("the newest activation is gone", ["delete from activation where serial = 2"]),
    edit(
      "the older activation has the newest serial",
      ["delete from activation where serial = 2"],
      ["update activation set serial = 2 where serial = 1"],
    ),
    edit("every activation is gone", ["delete from activation"]),
    edit("the removal of an admin is gone", ["delete from roster_change where serial = 2"]),
    edit("every change of the roster is gone", ["delete from roster_change"]),
    edit(
      "the approval of the first is gone, which is live again",
      ["delete from activation where serial = 2"],
      ["delete from policy_approval where bundle = ?", first],
    ),
    edit(
      "the removal is gone, and what stands beside the head",
      ["delete from roster_change where serial = 2"],
      ["update checkpoint set acts = ''"],
    ),
    edit(
      "the newest activation is gone, and what stands beside the head",
      ["delete from activation where serial = 2"],
      ["update checkpoint set acts = ''"],
    ),
    edit(
      "the removal is gone, the head, and its entries",
      ["delete from roster_change where serial = 2"],
      ["update checkpoint set acts = ''"],
      ["update ledger_entry set draft = replace(draft, 'admin-remove', 'admin-other')"],
    ),
  ];
}

/** Opens what is told on a database of its own, changed by the edit; `undefined` where the database itself refuses the edit. */
type Changed = (edit: Edit) => Promise<SqlDriver | undefined>;

async function applied(driver: SqlDriver, { statements }: Edit): Promise<boolean> {
  return driver.write(statements).then(
    () => true,
    () => false, // a key, a reference or a check stands against it
  );
}

async function tried(
  story: Story,
  edits: readonly Edit[],
  change: Changed,
  ask: Ask = liveBundle,
): Promise<ReadonlyMap<string, string | undefined>> {
  const outcomes = new Map<string, string | undefined>();
  for (const edit of edits) {
    const driver = await change(edit); // in order: one database each
    if (driver === undefined) continue;
    outcomes.set(edit.name, await outcomeOf(driver, story, ask));
    await driver.close();
  }
  return outcomes;
}

function expectNoGain(
  outcomes: ReadonlyMap<string, string | undefined>,
  { live }: { readonly live: string },
): void {
  const isRefusal = (outcome: string | undefined): boolean => /^[a-z]+\/[a-z-]+$/.test(outcome ?? "");
  const gains = [...outcomes].filter(([, outcome]) => outcome !== live && !isRefusal(outcome));
  expect(gains).toEqual([]);
}

/** What somebody would do who would like an older edition of the advisory, or none. */
const ADVISORY_ATTACKS: readonly (readonly [string, ...(readonly string[])])[] = [
  ["the newest is gone", "delete from advisory where serial = 2"],
  ["all of them are gone", "delete from advisory"],
  [
    "the older one has the newest serial",
    "delete from advisory where serial = 2",
    "update advisory set serial = 2 where serial = 1",
  ],
  [
    "the older one has a later serial",
    "delete from advisory where serial = 2",
    "update advisory set serial = 3 where serial = 1",
  ],
  [
    "the older one has the newest one's name",
    "update advisory set digest = (select digest from advisory where serial = 2), serial = 3, entry_seq = 9001 where serial = 1",
  ],
  [
    "the newest has the older one's envelope",
    "update advisory set envelope = (select envelope from advisory where serial = 1) where serial = 2",
  ],
  [
    "the newest is gone, and what stands beside the head",
    "delete from advisory where serial = 2",
    "update checkpoint set acts = ''",
  ],
];

const NEVER_UNSEEN_OF_ADVISORY = [
  "advisory.serial otherwise",
  "advisory.digest otherwise",
  "advisory.envelope otherwise",
  "advisory without its newest row",
  "advisory emptied",
];

async function judgedAdvisories({
  story,
  edits,
  change,
}: {
  readonly story: Story;
  readonly edits: readonly Edit[];
  readonly change: Changed;
}): Promise<void> {
  const own = edits.filter(({ name }) => /^(advisory|checkpoint|ledger_entry|roster_change)\b/.test(name));
  const edited = await tried(story, own, change, liveAdvisory);
  expectNoGain(edited, { live: story.advisory });
  expect(NEVER_UNSEEN_OF_ADVISORY.filter((name) => edited.get(name) === story.advisory)).toEqual([]);
  const attacks = ADVISORY_ATTACKS.map(([name, ...texts]) => ({
    name,
    statements: texts.map((text) => ({ text, params: [] })),
  }));
  const attacked = await tried(story, attacks, change, liveAdvisory);
  expectNoGain(attacked, { live: story.advisory });
  expect([...attacked].filter(([, outcome]) => outcome === story.advisory)).toEqual([]);
  expect(attacked.size).toBeGreaterThan(5);
}

/** Edits after which no broker may go on as if nothing had been. */
const NEVER_UNSEEN = [
  "activation.digest otherwise",
  "activation.signature otherwise",
  "activation.serial otherwise",
  "activation without its newest row",
  "activation emptied",
  "roster_change.envelope otherwise",
  "roster_change.digest otherwise",
  "roster_change.serial otherwise",
  "roster_change without its newest row",
  "roster_change emptied",
  "checkpoint.acts otherwise",
  "checkpoint.note otherwise",
];

function judgedEdits(outcomes: ReadonlyMap<string, string | undefined>, story: Story): void {
  expectNoGain(outcomes, story);
  const unseen = NEVER_UNSEEN.filter((name) => outcomes.get(name) === story.live);
  expect(unseen).toEqual([]);
  expect(outcomes.size).toBeGreaterThan(20);
}

function judgedAttacks(outcomes: ReadonlyMap<string, string | undefined>, story: Story): void {
  expectNoGain(outcomes, story);
  expect([...outcomes].filter(([, outcome]) => outcome === story.live)).toEqual([]);
  expect(outcomes.size).toBeGreaterThan(8);
}

describe("whoever edits tables of SQLite makes nothing live", () => {
  async function prepared() {
    const folder = temporaryFolder();
    const path = join(folder, "told.db");
    const driver = createSqliteDriver(openSqlite({ path, mode: "create" }));
    const story = await toldIn(driver);
    const edits = await editsOf(driver);
    await driver.close();
    let count = 0;
    const change: Changed = async (edit) => {
      count += 1;
      const copy = join(folder, `${count}.db`);
      copyFileSync(path, copy);
      const opened = createSqliteDriver(openSqlite({ path: copy, mode: "existing" }));
      if (await applied(opened, edit)) return opened;
      await opened.close();
      return undefined;
    };
    return { story, edits, change };
  }

  it("column by column, row by row, table by table", async () => {
    const { story, edits, change } = await prepared();
    judgedEdits(await tried(story, edits, change), story);
  }, 120_000);

  it("nor by what somebody would do who knows the tables", async () => {
    const { story, change } = await prepared();
    judgedAttacks(await tried(story, attacksOn(story), change), story);
  }, 60_000);

  it("nor has an older edition of the advisory count, or one of their own", async () => {
    await judgedAdvisories(await prepared());
  }, 60_000);

  it("and a broker that nobody edited goes on", async () => {
    const { story, change } = await prepared();
    const nothing = [{ name: "nothing", statements: [] }];
    expect((await tried(story, nothing, change)).get("nothing")).toBe(story.live);
    expect((await tried(story, nothing, change, liveAdvisory)).get("nothing")).toBe(story.advisory);
  }, 60_000);
});

describeWithPostgres("whoever edits tables of PostgreSQL makes nothing live", () => {
  let server: TestServer;
  let count = 0;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.remove(), 60_000); // a database for each edit

  const open = (database: string) => {
    const { host, port } = server;
    return openPostgresDriver({ host, port, database, role: "ostiary", mode: "migrate" });
  };

  async function prepared() {
    count += 1;
    const told = `told${count}`;
    server.psql(`create database ${told}`);
    const driver = await open(told);
    const story = await toldIn(driver);
    const edits = await editsOf(driver);
    await driver.close();
    const change: Changed = async (edit) => {
      count += 1;
      const copy = `copy${count}`;
      server.psql(`create database ${copy} template ${told}`);
      const opened = await open(copy);
      onTestFinished(() => opened.close());
      return (await applied(opened, edit)) ? opened : undefined;
    };
    return { story, edits, change };
  }

  it("column by column, row by row, table by table", async () => {
    const { story, edits, change } = await prepared();
    judgedEdits(await tried(story, edits, change), story);
  }, 300_000);

  it("nor has an older edition of the advisory count, or one of their own", async () => {
    await judgedAdvisories(await prepared());
  }, 120_000);

  it("nor by what somebody would do who knows the tables", async () => {
    const { story, change } = await prepared();
    judgedAttacks(await tried(story, attacksOn(story), change), story);
  }, 120_000);
});
