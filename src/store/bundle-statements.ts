/** Which statements keep policy bundles and their activations? */
import { sql } from "drizzle-orm/sql/sql";
import type { Activation, BundleStore, StoredBundle } from "../broker/store.ts";
import { draftText } from "./draft-text.ts";
import { ROSTER_SERIAL } from "./governance-statements.ts";
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
import { policyApproval } from "./schema-governance.ts";
import { activation, bundle } from "./schema-sqlite.ts";

/** The bundle part of the Store contract. */
export function createBundleStore(driver: SqlDriver): BundleStore {
  return {
    putBundle: async (row, draft) => {
      const { digest } = row;
      const [put] = await driver.write([PUT({ ...row }), APPEND_PUT({ digest, draft: draftText(draft) })]);
      return put !== undefined && put.length > 0;
    },
    activateBundle: async (row, { roster, approvals }, draft) => {
      const { serial } = row;
      const [put] = await driver.write([
        ACTIVATE({ ...row, roster, approvals }),
        APPEND_ACTIVATE({ serial, draft: draftText(draft) }),
      ]);
      return put !== undefined && put.length > 0;
    },
    liveActivation: async () => (await driver.read(FIND_LIVE({}))).map(activationOf)[0],
    activations: async () => (await driver.read(LIST_ACTIVATIONS({}))).map(activationOf),
    bundle: async (digest) => (await driver.read(FIND_BUNDLE({ digest }))).map(bundleOf)[0],
    bundles: async () => (await driver.read(LIST_BUNDLES({}))).map(bundleHeadOf),
  };
}

const PUT = query(sql`
  ${insertInto(bundle, { entrySeq: NEXT_SEQ })} where true on conflict do nothing returning ${nameOf(bundle.digest)}`);

const APPEND_PUT = appendWhere(sql`
  exists (select 1 from ${bundle} where ${bundle.digest} = ${given("digest")} and ${bundle.entrySeq} = ${NEXT_SEQ})`);

const ACTIVATE = query(sql`
  ${insertInto(activation, { entrySeq: NEXT_SEQ })}
  where ${given("serial")} = (select coalesce(max(${activation.serial}), 0) + 1 from ${activation})
    and exists (select 1 from ${bundle} where ${bundle.digest} = ${given("digest")})
    and ${given("roster")} = ${ROSTER_SERIAL}
    and ${given("approvals")} = (select count(*) from ${policyApproval}
      where ${policyApproval.bundle} = ${given("digest")})
  on conflict do nothing returning ${nameOf(activation.serial)}`);

const APPEND_ACTIVATE = appendWhere(sql`
  exists (select 1 from ${activation}
    where ${activation.serial} = ${given("serial")} and ${activation.entrySeq} = ${NEXT_SEQ})`);

const ACTIVATION_COLUMNS = sql`${activation.serial}, ${activation.digest}, ${activation.signature}, ${activation.at},
  ${activation.by}`;

const FIND_LIVE = query(sql`
  select ${ACTIVATION_COLUMNS} from ${activation} order by ${activation.serial} desc limit 1`);

const LIST_ACTIVATIONS = query(sql`
  select ${ACTIVATION_COLUMNS} from ${activation} order by ${activation.serial}`);

const BUNDLE_HEAD = sql`${bundle.digest}, ${bundle.signature}, ${bundle.proposedAt}, ${bundle.proposedBy}`;

const FIND_BUNDLE = query(sql`
  select ${BUNDLE_HEAD}, ${bundle.tar} from ${bundle} where ${bundle.digest} = ${given("digest")}`);

const LIST_BUNDLES = query(sql`select ${BUNDLE_HEAD} from ${bundle} order by ${bundle.entrySeq} desc`);

function activationOf(row: Row): Activation {
  return {
    serial: integerOf(row, activation.serial),
    digest: textOf(row, activation.digest),
    signature: textOf(row, activation.signature),
    at: instantOf(row, activation.at),
    by: textOf(row, activation.by),
  };
}

function bundleOf(row: Row): StoredBundle {
  return { ...bundleHeadOf(row), tar: bytesOf(row, bundle.tar) };
}

function bundleHeadOf(row: Row): Omit<StoredBundle, "tar"> {
  return {
    digest: textOf(row, bundle.digest),
    signature: textOf(row, bundle.signature),
    proposedAt: instantOf(row, bundle.proposedAt),
    proposedBy: textOf(row, bundle.proposedBy),
  };
}
