/** Which statements keep the versions of secrets? */
import { sql } from "drizzle-orm/sql/sql";
import type { SecretStore, SecretVersion, StoredEnvelope } from "../broker/store.ts";
import { ALL_BINDINGS } from "../channel/binding-names.ts";
import type { Binding } from "../channel/bindings.ts";
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
  wordOf,
} from "./query.ts";
import { secretBinding, secretVersion } from "./schema-sqlite.ts";

/** The secret part of the Store contract. */
export function createSecretStore(driver: SqlDriver): SecretStore {
  return {
    putSecretVersion: async (row, draft) => {
      const { path, version } = row;
      const [put] = await driver.write([PUT({ ...row }), APPEND({ path, version, draft: draftText(draft) })]);
      return put !== undefined && put.length > 0;
    },
    secretVersion: async (path, version) => {
      const statement = version === undefined ? FIND_ENABLED({ path }) : FIND({ path, version });
      return (await driver.read(statement)).map(versionOf)[0];
    },
    setVersionState: async (path, version, state, draft) => {
      const change =
        state === "destroyed"
          ? DESTROY({ path, version, nothing: new Uint8Array(0) })
          : SET_STATE({ path, version, state });
      const [set] = await driver.write([change, APPEND({ path, version, draft: draftText(draft) })]);
      return set !== undefined && set.length > 0;
    },
    secretBindings: async (path) => (await driver.read(FIND_BINDINGS({ path }))).map(bindingsOf)[0],
    setSecretBindings: async (path, bindings, draft) => {
      const bits = bindings.reduce((all, binding) => all | (1 << binding), 0);
      const [set] = await driver.write([
        PUT_BINDINGS({ path, bindings: bits }),
        APPEND_BINDINGS({ path, draft: draftText(draft) }),
      ]);
      return set !== undefined && set.length > 0;
    },
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

const PUT = query(sql`
  ${insertInto(secretVersion, { entrySeq: NEXT_SEQ })}
  where ${given("version")} = (select coalesce(max(${secretVersion.version}), 0) + 1 from ${secretVersion}
    where ${secretVersion.path} = ${given("path")})
  on conflict do nothing returning ${nameOf(secretVersion.version)}`);

const APPEND = appendWhere(sql`
  exists (select 1 from ${secretVersion} where ${IS_VERSION} and ${secretVersion.entrySeq} = ${NEXT_SEQ})`);

const SET_STATE = query(sql`
  update ${secretVersion}
  set ${nameOf(secretVersion.state)} = ${given("state")}, ${nameOf(secretVersion.entrySeq)} = ${NEXT_SEQ}
  where ${IS_VERSION} and ${secretVersion.state} <> 'destroyed' returning ${nameOf(secretVersion.version)}`);

const DESTROY = query(sql`
  update ${secretVersion}
  set ${nameOf(secretVersion.state)} = 'destroyed', ${nameOf(secretVersion.envelope)} = ${given("nothing")},
    ${nameOf(secretVersion.entrySeq)} = ${NEXT_SEQ}
  where ${IS_VERSION} and ${secretVersion.state} <> 'destroyed' returning ${nameOf(secretVersion.version)}`);

const FIND_BINDINGS = query(sql`
  select ${secretBinding.bindings} from ${secretBinding} where ${secretBinding.path} = ${given("path")}`);

const PUT_BINDINGS = query(sql`
  ${insertInto(secretBinding, { entrySeq: NEXT_SEQ })}
  where exists (select 1 from ${secretVersion} where ${secretVersion.path} = ${given("path")})
  on conflict (${nameOf(secretBinding.path)}) do update
  set ${nameOf(secretBinding.bindings)} = excluded.bindings, ${nameOf(secretBinding.entrySeq)} = excluded.entry_seq
  returning ${nameOf(secretBinding.path)}`);

const APPEND_BINDINGS = appendWhere(sql`
  exists (select 1 from ${secretBinding}
    where ${secretBinding.path} = ${given("path")} and ${secretBinding.entrySeq} = ${NEXT_SEQ})`);

function bindingsOf(row: Row): readonly Binding[] {
  const bits = integerOf(row, secretBinding.bindings);
  return ALL_BINDINGS.filter((binding) => (bits & (1 << binding)) !== 0);
}

/** Row by row in the order of the primary key, which is one and the same for `>` and `order by`. */
const LIST_ENVELOPES = query(sql`
  select ${secretVersion.path}, ${secretVersion.version}, ${secretVersion.envelope} from ${secretVersion}
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
    envelope: bytesOf(row, secretVersion.envelope),
  };
}

const HEAD = sql`${secretVersion.path}, ${secretVersion.version}, ${secretVersion.kind}, ${secretVersion.state},
  ${secretVersion.createdAt}, ${secretVersion.createdBy}`;

const FIND = query(sql`select ${HEAD}, ${secretVersion.envelope} from ${secretVersion} where ${IS_VERSION}`);

/** `in`, since `=` beside `order by` makes SQLite compile the statement anew for every path it is given. */
const FIND_ENABLED = query(sql`
  select ${HEAD}, ${secretVersion.envelope} from ${secretVersion}
  where ${secretVersion.path} in (${given("path")}) and ${secretVersion.state} = 'enabled'
  order by ${secretVersion.version} desc limit 1`);

const LIST_OF_PATH = query(sql`
  select ${HEAD} from ${secretVersion} where ${secretVersion.path} = ${given("path")}
  order by ${secretVersion.version}`);

const LIST_NEWEST = query(sql`
  select ${HEAD} from ${secretVersion} where (${secretVersion.path}, ${secretVersion.version}) in
    (select ${secretVersion.path}, max(${secretVersion.version}) from ${secretVersion} group by ${secretVersion.path})
  order by ${secretVersion.path}`);

function versionOf(row: Row): SecretVersion {
  return { ...headOf(row), envelope: bytesOf(row, secretVersion.envelope) };
}

function headOf(row: Row): Omit<SecretVersion, "envelope"> {
  return {
    path: textOf(row, secretVersion.path),
    kind: wordOf(row, secretVersion.kind, ["static", "generated"]),
    version: integerOf(row, secretVersion.version),
    state: wordOf(row, secretVersion.state, ["enabled", "disabled", "destroyed"]),
    createdAt: instantOf(row, secretVersion.createdAt),
    createdBy: textOf(row, secretVersion.createdBy),
  };
}
