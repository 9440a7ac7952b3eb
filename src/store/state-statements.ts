/** Which statements keep the broker's own state: named values, admin request ids, nonce epochs, endorsements? */
import { sql } from "drizzle-orm/sql/sql";
import type { BrokerStateStore, CachedEndorsement, NonceEpoch } from "../broker/store.ts";
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
import { adminRequest, endorsement, meta, nonceEpoch, nonceSpend } from "./schema-sqlite.ts";

/** The part of the Store contract that is about the broker itself. */
export function createStateStore(driver: SqlDriver): BrokerStateStore {
  const hasChanged = async (statement: ReturnType<typeof FIND_META>): Promise<boolean> =>
    (await driver.write([statement])).some((rows) => rows.length > 0);
  return {
    meta: async (name) => (await driver.read(FIND_META({ name }))).map((row) => textOf(row, meta.value))[0],
    putMeta: (name, expected, value) =>
      hasChanged(expected === undefined ? ADD_META({ name, value }) : SWAP_META({ name, expected, value })),
    spendAdminRequest: (kid, jti, until) => hasChanged(SPEND_ADMIN_REQUEST({ kid, jti, until })),
    nonceEpochs: async () => (await driver.read(LIST_EPOCHS({}))).map(epochOf),
    putNonceEpoch: (epoch) => hasChanged(PUT_EPOCH({ ...epoch })),
    rewrapNonceEpoch: (kid, from, to) => hasChanged(REWRAP_EPOCH({ kid, from, to })),
    retireNonceEpoch: async (kid) => void (await driver.write([RETIRE_EPOCH({ kid })])),
    cachedEndorsement: async (key) => (await driver.read(FIND_ENDORSEMENT({ key }))).map(endorsementOf)[0],
    cachedEndorsements: async (after, limit) =>
      (await driver.read(LIST_ENDORSEMENTS({ after, limit }))).map((row) => ({
        key: textOf(row, endorsement.key),
        ...endorsementOf(row),
      })),
    cacheEndorsement: async (key, { der, obtainedAt }) =>
      void (await driver.write([CACHE_ENDORSEMENT({ key, der, obtainedAt })])),
  };
}

const FIND_META = query(sql`select ${meta.value} from ${meta} where ${meta.name} = ${given("name")}`);

const ADD_META = query(
  sql`${insertInto(meta)} where true on conflict do nothing returning ${nameOf(meta.name)}`,
);

const SWAP_META = query(sql`
  update ${meta} set ${nameOf(meta.value)} = ${given("value")}
  where ${meta.name} = ${given("name")} and ${meta.value} = ${given("expected")} returning ${nameOf(meta.name)}`);

const SPEND_ADMIN_REQUEST = query(sql`
  ${insertInto(adminRequest)} where true on conflict do nothing returning ${nameOf(adminRequest.jti)}`);

const LIST_EPOCHS = query(sql`
  select ${nonceEpoch.kid}, ${nonceEpoch.wrapped}, ${nonceEpoch.createdAt} from ${nonceEpoch}
  order by ${nonceEpoch.createdAt}, ${nonceEpoch.kid}`);

/** A retired `kid` lives again only after its last spend record is gone (PROTOCOL section 3). */
const PUT_EPOCH = query(sql`
  ${insertInto(nonceEpoch)}
  where not exists (select 1 from ${nonceSpend} where ${nonceSpend.kid} = ${given("kid")})
  on conflict do nothing returning ${nameOf(nonceEpoch.kid)}`);

const REWRAP_EPOCH = query(sql`
  update ${nonceEpoch} set ${nameOf(nonceEpoch.wrapped)} = ${given("to")}
  where ${nonceEpoch.kid} = ${given("kid")} and ${nonceEpoch.wrapped} = ${given("from")} returning ${nameOf(nonceEpoch.kid)}`);

const RETIRE_EPOCH = query(sql`delete from ${nonceEpoch} where ${nonceEpoch.kid} = ${given("kid")}`);

function epochOf(row: Row): NonceEpoch {
  return {
    kid: integerOf(row, nonceEpoch.kid),
    wrapped: bytesOf(row, nonceEpoch.wrapped),
    createdAt: instantOf(row, nonceEpoch.createdAt),
  };
}

const FIND_ENDORSEMENT = query(sql`
  select ${endorsement.der}, ${endorsement.obtainedAt} from ${endorsement}
  where ${endorsement.key} = ${given("key")}`);

const LIST_ENDORSEMENTS = query(sql`
  select ${endorsement.key}, ${endorsement.der}, ${endorsement.obtainedAt} from ${endorsement}
  where ${endorsement.key} > ${given("after")} order by ${endorsement.key} limit ${given("limit")}`);

const CACHE_ENDORSEMENT = query(sql`
  ${insertInto(endorsement)} where true on conflict (${nameOf(endorsement.key)}) do update
  set ${nameOf(endorsement.der)} = excluded.der, ${nameOf(endorsement.obtainedAt)} = excluded.obtained_at`);

function endorsementOf(row: Row): CachedEndorsement {
  return { der: bytesOf(row, endorsement.der), obtainedAt: instantOf(row, endorsement.obtainedAt) };
}
