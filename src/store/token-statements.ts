/** Which statements keep audiences, signing keys, used proofs and revocations of tokens? */
import { type SQL, sql } from "drizzle-orm/sql/sql";
import type { Revocation, StoredTokenKey, TokenAudience, TokenStore } from "../broker/token-store.ts";
import type { EntryDraft } from "../ledger/entry.ts";
import { draftText } from "./draft-text.ts";
import { appendWhere } from "./ledger-statements.ts";
import {
  bytesOf,
  given,
  insertInto,
  instantOf,
  integerOf,
  nameOf,
  type Query,
  query,
  type Row,
  type SqlDriver,
  type SqlValues,
  textOf,
} from "./query.ts";
import { dpopProof, tokenAudience, tokenKey, tokenRevocation } from "./schema-sqlite.ts";

/** The part of the Store contract that is about tokens. */
export function createTokenStore(driver: SqlDriver): TokenStore {
  const act = (change: Recorded, values: SqlValues, entry: EntryDraft | undefined) =>
    writeRecorded(driver, { change, values, entry });
  return {
    putAudience: (audience, entry) =>
      act(PUT_AUDIENCE, { ...audience, isBearer: audience.isBearer ? 1 : 0 }, entry),
    removeAudience: (name, entry) => act(REMOVE_AUDIENCE, { name }, entry),
    audienceOf: async (aud) => (await driver.read(FIND_AUDIENCE({ aud }))).map(audienceOf)[0],
    audiences: async () => (await driver.read(LIST_AUDIENCES({}))).map(audienceOf),
    putTokenKey: (key, entry) => act(PUT_KEY, { ...key, withdraws: key.withdraws ? 1 : 0 }, entry),
    tokenKeys: async () => (await driver.read(LIST_KEYS({}))).map(keyOf),
    rewrapTokenKey: async (serial, from, to) =>
      (await driver.write([REWRAP_KEY({ serial, from, to })])).some((rows) => rows.length > 0),
    dropTokenKeys: async (before) => void (await driver.write([DROP_KEYS({ before })])),
    spendProof: async (jkt, jti, until) =>
      (await driver.write([SPEND_PROOF({ jkt, jti, until })])).some((rows) => rows.length > 0),
    revokeDecision: (revocation, entry) => act(REVOKE, { ...revocation }, entry),
    revocation: async (decision) => (await driver.read(FIND_REVOCATION({ decision }))).map(revocationOf)[0],
  };
}

/** A change and the entry that tells of it, under one condition: the entry first, since the change ends the condition. */
interface Recorded {
  readonly append: Query;
  readonly change: Query;
}

function recorded(condition: SQL, change: SQL): Recorded {
  return { append: appendWhere(condition), change: query(change) };
}

async function writeRecorded(
  driver: SqlDriver,
  { change, values, entry }: { change: Recorded; values: SqlValues; entry: EntryDraft | undefined },
): Promise<boolean> {
  const append = entry === undefined ? [] : [change.append({ ...values, draft: draftText(entry) })];
  const answers = await driver.write([...append, change.change(values)]);
  return (answers.at(-1) ?? []).length > 0;
}

// ── audiences ───────────────────────────────────────────────────────────────────────────────────────────────────────

const IS_FREE = sql`not exists (select 1 from ${tokenAudience}
  where ${tokenAudience.name} = ${given("name")} or ${tokenAudience.aud} = ${given("aud")})`;

const PUT_AUDIENCE = recorded(
  IS_FREE,
  sql`${insertInto(tokenAudience)} where ${IS_FREE} returning ${nameOf(tokenAudience.name)}`,
);

const REMOVE_AUDIENCE = recorded(
  sql`exists (select 1 from ${tokenAudience} where ${tokenAudience.name} = ${given("name")})`,
  sql`delete from ${tokenAudience} where ${tokenAudience.name} = ${given("name")} returning ${nameOf(tokenAudience.name)}`,
);

const AUDIENCE = sql`${tokenAudience.name}, ${tokenAudience.aud}, ${tokenAudience.isBearer},
  ${tokenAudience.createdAt}, ${tokenAudience.createdBy}`;

const FIND_AUDIENCE = query(sql`
  select ${AUDIENCE} from ${tokenAudience} where ${tokenAudience.aud} = ${given("aud")}`);

const LIST_AUDIENCES = query(sql`select ${AUDIENCE} from ${tokenAudience} order by ${tokenAudience.name}`);

function audienceOf(row: Row): TokenAudience {
  return {
    name: textOf(row, tokenAudience.name),
    aud: textOf(row, tokenAudience.aud),
    isBearer: integerOf(row, tokenAudience.isBearer) === 1,
    createdAt: instantOf(row, tokenAudience.createdAt),
    createdBy: textOf(row, tokenAudience.createdBy),
  };
}

// ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const IS_NEXT = sql`${given("serial")} = (select coalesce(max(${tokenKey.serial}), 0) + 1 from ${tokenKey})`;

const PUT_KEY = recorded(
  IS_NEXT,
  sql`${insertInto(tokenKey)} where ${IS_NEXT} returning ${nameOf(tokenKey.serial)}`,
);

const LIST_KEYS = query(sql`
  select ${tokenKey.serial}, ${tokenKey.wrapped}, ${tokenKey.signsFrom}, ${tokenKey.withdraws},
    ${tokenKey.createdAt}, ${tokenKey.createdBy}
  from ${tokenKey} order by ${tokenKey.serial}`);

const REWRAP_KEY = query(sql`
  update ${tokenKey} set ${nameOf(tokenKey.wrapped)} = ${given("to")}
  where ${tokenKey.serial} = ${given("serial")} and ${tokenKey.wrapped} = ${given("from")} returning ${nameOf(tokenKey.serial)}`);

const DROP_KEYS = query(sql`delete from ${tokenKey} where ${tokenKey.serial} < ${given("before")}`);

function keyOf(row: Row): StoredTokenKey {
  return {
    serial: integerOf(row, tokenKey.serial),
    wrapped: bytesOf(row, tokenKey.wrapped),
    signsFrom: instantOf(row, tokenKey.signsFrom),
    withdraws: integerOf(row, tokenKey.withdraws) === 1,
    createdAt: instantOf(row, tokenKey.createdAt),
    createdBy: textOf(row, tokenKey.createdBy),
  };
}

// ── proofs and revocations ──────────────────────────────────────────────────────────────────────────────────────────

const SPEND_PROOF = query(sql`
  ${insertInto(dpopProof)} where true on conflict do nothing returning ${nameOf(dpopProof.jti)}`);

const IS_NOT_REVOKED = sql`not exists (select 1 from ${tokenRevocation}
  where ${tokenRevocation.decision} = ${given("decision")})`;

const REVOKE = recorded(
  IS_NOT_REVOKED,
  sql`${insertInto(tokenRevocation)} where ${IS_NOT_REVOKED} returning ${nameOf(tokenRevocation.decision)}`,
);

const FIND_REVOCATION = query(sql`
  select ${tokenRevocation.decision}, ${tokenRevocation.at}, ${tokenRevocation.by} from ${tokenRevocation}
  where ${tokenRevocation.decision} = ${given("decision")}`);

function revocationOf(row: Row): Revocation {
  return {
    decision: textOf(row, tokenRevocation.decision),
    at: instantOf(row, tokenRevocation.at),
    by: textOf(row, tokenRevocation.by),
  };
}
