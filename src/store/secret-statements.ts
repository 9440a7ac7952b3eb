/** Which statements keep the versions of secrets? */
import { type SQL, sql } from "drizzle-orm/sql/sql";
import type { SecretHead, SecretStore, SecretVersion, StoredEnvelope } from "../broker/secret-store.ts";
import type { EntryDraft } from "../ledger/entry.ts";
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
  type SqlValues,
  type Statement,
  textOf,
  wordOf,
} from "./query.ts";
import { createReaderStore } from "./reader-statements.ts";
import { secretReader, secretSetting, secretVersion } from "./schema-sqlite.ts";
import { createSettingStore } from "./setting-statements.ts";

const KINDS = ["static", "generated", "derived", "transit"] as const;

type Place = { readonly path: string; readonly version: number };

/** What `destroy_at` holds for a version that is not condemned. */
const NEVER = 0;

/** The secret part of the Store contract. */
export function createSecretStore(driver: SqlDriver): SecretStore {
  const nothing = new Uint8Array(0);
  const changed = async (at: Place, change: Statement, draft: EntryDraft): Promise<boolean> => {
    const [set] = await driver.write([
      change,
      APPEND_VERSION({ path: at.path, version: at.version, draft: draftText(draft) }),
    ]);
    return set !== undefined && set.length > 0;
  };
  return {
    ...createSettingStore(driver),
    ...createReaderStore(driver),
    putSecretVersion: (row, draft) =>
      changed({ path: row.path, version: row.version }, PUT(newVersion(row)), draft),
    secretVersion: async (path, version) => {
      const statement = version === undefined ? FIND_CURRENT({ path }) : FIND({ path, version });
      return (await driver.read(statement)).map(versionOf)[0];
    },
    setVersionState: (path, version, state, draft) =>
      changed({ path, version }, SET_STATE({ path, version, state }), draft),
    destroyVersion: (order, draft) => changed(order, DESTROY({ ...order, nothing }), draft),
    condemnVersion: (order, draft) => changed(order, CONDEMN({ ...order }), draft),
    condemnedUntil: async (now, limit) => (await driver.read(LIST_CONDEMNED({ now, limit }))).map(headOf),
    destroyCondemned: (path, version, now, draft) =>
      changed({ path, version }, DESTROY_CONDEMNED({ path, version, now, nothing }), draft),
    retirable: async (limit) => (await driver.read(LIST_RETIRABLE({ limit }))).map(headOf),
    dueRotations: async (now, limit) => (await driver.read(LIST_ROTATIONS({ now, limit }))).map(headOf),
    secretVersions: async (path) => (await driver.read(LIST_OF_PATH({ path }))).map(headOf),
    envelopes: async (after, limit) => {
      const { path, version } = after ?? { path: "", version: 0 };
      return (await driver.read(LIST_ENVELOPES({ path, version, limit }))).map(envelopeOf);
    },
    countEnvelopesWithout: async (head) =>
      (await driver.read(COUNT_WITHOUT({ head, size: head.length }))).map((row) =>
        integerOf(row, secretVersion.version),
      )[0] ?? 0,
    rewrapEnvelopes: async (rewraps, draft) => {
      const changes = rewraps.map((rewrap) => REWRAP({ ...rewrap }));
      const [, ...done] = await driver.write([APPEND_ALWAYS({ draft: draftText(draft) }), ...changes]);
      return done.filter((rows) => rows.length > 0).length;
    },
    secrets: async () => (await driver.read(LIST_NEWEST({}))).map(headOf),
  };
}

const IS_VERSION = sql`${secretVersion.path} = ${given("path")} and ${secretVersion.version} = ${given("version")}`;

/** The values of a row that is to be put. */
export function newVersion({ destroyAt, ...row }: SecretVersion): SqlValues {
  return { ...row, destroyAt: destroyAt ?? NEVER, despite: 0 };
}

export const IS_NEXT_VERSION = sql`${given("version")} = (select coalesce(max(${secretVersion.version}), 0) + 1
  from ${secretVersion} where ${secretVersion.path} = ${given("path")})`;

const PUT = query(sql`
  ${insertInto(secretVersion, { entrySeq: NEXT_SEQ })} where ${IS_NEXT_VERSION}
  on conflict do nothing returning ${nameOf(secretVersion.version)}`);

/** From its own change until its entry is there. */
export const IS_NEW_VERSION = sql`
  exists (select 1 from ${secretVersion} where ${IS_VERSION} and ${secretVersion.entrySeq} = ${NEXT_SEQ})`;

export const APPEND_VERSION = appendWhere(IS_NEW_VERSION);

const IS_THERE = sql`${IS_VERSION} and ${secretVersion.state} <> 'destroyed'`;

/** What a change of state writes beside it: the place of its entry, and whether the version is to be destroyed. */
function setting(state: SQL, destroyAt: SQL): SQL {
  return sql`set ${nameOf(secretVersion.state)} = ${state}, ${nameOf(secretVersion.destroyAt)} = ${destroyAt},
    ${nameOf(secretVersion.entrySeq)} = ${NEXT_SEQ}`;
}

const SET_STATE = query(sql`
  update ${secretVersion} ${setting(sql`${given("state")}`, sql`0`)}
  where ${IS_THERE} returning ${nameOf(secretVersion.version)}`);

/** No more readers than that hold it without having confirmed a later one. */
const HELD_BY_AT_MOST = (despite: SQL): SQL => sql`(select count(*) from ${secretReader}
  where ${secretReader.path} = ${secretVersion.path} and ${secretReader.version} = ${secretVersion.version}
    and ${secretReader.confirmedAt} = 0) <= ${despite}`;

const CONDEMN = query(sql`
  update ${secretVersion} ${setting(sql`'condemned'`, sql`${given("destroyAt")}`)}, ${nameOf(secretVersion.despite)} = ${given("despite")}
  where ${IS_THERE} and ${HELD_BY_AT_MOST(sql`${given("despite")}`)} returning ${nameOf(secretVersion.version)}`);

const EMPTIED = sql`${setting(sql`'destroyed'`, sql`0`)}, ${nameOf(secretVersion.envelope)} = ${given("nothing")}`;

const DESTROY = query(sql`
  update ${secretVersion} ${EMPTIED} where ${IS_THERE} and ${HELD_BY_AT_MOST(sql`${given("despite")}`)}
  returning ${nameOf(secretVersion.version)}`);

/** Condemned versions alone have a time. */
const IS_DUE = sql`${secretVersion.destroyAt} > 0 and ${secretVersion.destroyAt} <= ${given("now")}`;

const DESTROY_CONDEMNED = query(sql`
  update ${secretVersion} ${EMPTIED}
  where ${IS_VERSION} and ${IS_DUE}
    and ${HELD_BY_AT_MOST(sql`${secretVersion.despite}`)}
  returning ${nameOf(secretVersion.version)}`);

/** Row by row in the order of the primary key, which is one and the same for `>` and `order by`. */
const LIST_ENVELOPES = query(sql`
  select ${secretVersion.path}, ${secretVersion.version}, ${secretVersion.kind}, ${secretVersion.make},
    ${secretVersion.envelope} from ${secretVersion}
  where (${secretVersion.path}, ${secretVersion.version}) > (${given("path")}, ${given("version")})
    and ${secretVersion.state} <> 'destroyed'
  order by ${secretVersion.path}, ${secretVersion.version} limit ${given("limit")}`);

const COUNT_WITHOUT = query(sql`
  select count(*) as ${nameOf(secretVersion.version)} from ${secretVersion}
  where ${secretVersion.state} <> 'destroyed' and substr(${secretVersion.envelope}, 1, ${given("size")}) <> ${given("head")}`);

const REWRAP = query(sql`
  update ${secretVersion} set ${nameOf(secretVersion.envelope)} = ${given("envelope")}
  where ${IS_VERSION} and ${secretVersion.envelope} = ${given("from")} returning ${nameOf(secretVersion.version)}`);

const APPEND_ALWAYS = appendWhere(sql`true`);

function envelopeOf(row: Row): StoredEnvelope {
  return {
    path: textOf(row, secretVersion.path),
    version: integerOf(row, secretVersion.version),
    kind: wordOf(row, secretVersion.kind, KINDS),
    make: textOf(row, secretVersion.make),
    envelope: bytesOf(row, secretVersion.envelope),
  };
}

const HEAD = sql`${secretVersion.path}, ${secretVersion.version}, ${secretVersion.kind}, ${secretVersion.make},
  ${secretVersion.state}, ${secretVersion.publicKey}, ${secretVersion.destroyAt}, ${secretVersion.createdAt},
  ${secretVersion.createdBy}`;

const FIND = query(sql`select ${HEAD}, ${secretVersion.envelope} from ${secretVersion} where ${IS_VERSION}`);

/**
 * The one that is given. `in`, since `=` beside `order by` makes SQLite compile the statement anew for every path it is given.
 * Where a current version is set, no other takes its place.
 */
const FIND_CURRENT = query(sql`
  select ${HEAD}, ${secretVersion.envelope} from ${secretVersion}
  left join ${secretSetting} on ${secretSetting.path} = ${secretVersion.path}
  where ${secretVersion.path} in (${given("path")}) and ${secretVersion.state} = 'enabled'
    and ${secretVersion.version} >= coalesce(${secretSetting.minimum}, 1)
    and coalesce(${secretSetting.current}, 0) in (0, ${secretVersion.version})
  order by ${secretVersion.version} desc limit 1`);

const LIST_OF_PATH = query(sql`
  select ${HEAD} from ${secretVersion} where ${secretVersion.path} = ${given("path")}
  order by ${secretVersion.version}`);

const LIST_CONDEMNED = query(sql`
  select ${HEAD} from ${secretVersion} where ${IS_DUE}
  order by ${secretVersion.destroyAt}, ${secretVersion.path}, ${secretVersion.version} limit ${given("limit")}`);

const LIST_NEWEST = query(sql`
  select ${HEAD} from ${secretVersion} where (${secretVersion.path}, ${secretVersion.version}) in
    (select ${secretVersion.path}, max(${secretVersion.version}) from ${secretVersion} group by ${secretVersion.path})
  order by ${secretVersion.path}`);

/** A path whose newest version is destroyed or was given is nobody's to rotate. */
const LIST_ROTATIONS = query(sql`
  select ${HEAD} from ${secretVersion}
  join ${secretSetting} on ${secretSetting.path} = ${secretVersion.path}
  where ${secretSetting.rotateSeconds} > 0 and ${secretVersion.kind} in ('generated', 'transit')
    and ${secretVersion.createdAt} + ${secretSetting.rotateSeconds} <= ${given("now")}
    and ${secretVersion.version} = (select max(newest.version) from secret_version newest
      where newest.path = ${secretVersion.path})
  order by ${secretVersion.path} limit ${given("limit")}`);

const READERS = sql`from secret_reader held where held.path = ${secretVersion.path} and held.version = ${secretVersion.version}`;

const LIST_RETIRABLE = query(sql`
  select ${HEAD} from ${secretVersion}
  join ${secretSetting} on ${secretSetting.path} = ${secretVersion.path}
  where ${secretSetting.isRetiring} = 1 and ${secretVersion.state} = 'enabled'
    and (${secretSetting.current} = 0 or ${secretVersion.version} < ${secretSetting.current})
    and exists (select 1 from secret_version later where later.path = ${secretVersion.path}
      and later.version > ${secretVersion.version} and later.state = 'enabled')
    and exists (select 1 ${READERS}) and not exists (select 1 ${READERS} and held.confirmed_at = 0)
  order by ${secretVersion.path}, ${secretVersion.version} limit ${given("limit")}`);

function versionOf(row: Row): SecretVersion {
  return { ...headOf(row), envelope: bytesOf(row, secretVersion.envelope) };
}

function headOf(row: Row): SecretHead {
  const destroyAt = instantOf(row, secretVersion.destroyAt);
  return {
    path: textOf(row, secretVersion.path),
    kind: wordOf(row, secretVersion.kind, KINDS),
    make: textOf(row, secretVersion.make),
    version: integerOf(row, secretVersion.version),
    state: wordOf(row, secretVersion.state, ["enabled", "disabled", "condemned", "destroyed"]),
    publicKey: bytesOf(row, secretVersion.publicKey),
    destroyAt: destroyAt === NEVER ? undefined : destroyAt,
    createdAt: instantOf(row, secretVersion.createdAt),
    createdBy: textOf(row, secretVersion.createdBy),
  };
}
