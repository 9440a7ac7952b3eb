/** Which statements keep what holds for a secret as a whole? */
import { sql } from "drizzle-orm/sql/sql";
import { utf8 } from "../base/bytes.ts";
import { canonicalJson } from "../base/canonical-json.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import type { SecretSettings, SecretStore, StoredSettings } from "../broker/secret-store.ts";
import { ALL_BINDINGS } from "../channel/binding-names.ts";
import type { Binding } from "../channel/bindings.ts";
import { draftText } from "./draft-text.ts";
import { appendWhere, NEXT_SEQ } from "./ledger-statements.ts";
import { given, insertInto, integerOf, nameOf, query, type Row, type SqlDriver, textOf } from "./query.ts";
import { secretSetting, secretVersion } from "./schema-sqlite.ts";

/** Where nobody changed anything yet. */
const NO_ENTRY = -1;

/** The part of the Store contract that is about settings of secrets. */
export function createSettingStore(
  driver: SqlDriver,
): Pick<SecretStore, "secretSettings" | "putSecretSettings"> {
  return {
    secretSettings: async (path) => (await driver.read(FIND({ path }))).map(settingsOf)[0],
    putSecretSettings: async ({ path, settings, expected }, draft) => {
      const [put] = await driver.write([
        PUT({ path, ...columnsOf(settings), expected: expected ?? NO_ENTRY }),
        APPEND({ path, draft: draftText(draft) }),
      ]);
      return put !== undefined && put.length > 0;
    },
  };
}

const FIND = query(sql`
  select ${secretSetting.bindings}, ${secretSetting.current}, ${secretSetting.minimum}, ${secretSetting.rotateSeconds},
    ${secretSetting.owner}, ${secretSetting.labels}, ${secretSetting.entrySeq}, ${secretSetting.isRetiring},
    ${secretSetting.leaseSeconds}
  from ${secretSetting} where ${secretSetting.path} = ${given("path")}`);

const CHANGED = [
  "bindings",
  "current",
  "minimum",
  "rotateSeconds",
  "owner",
  "labels",
  "entrySeq",
  "isRetiring",
  "leaseSeconds",
] as const;

const PUT = query(sql`
  ${insertInto(secretSetting, { entrySeq: NEXT_SEQ })}
  where exists (select 1 from ${secretVersion} where ${secretVersion.path} = ${given("path")})
    and coalesce((select ${secretSetting.entrySeq} from ${secretSetting}
      where ${secretSetting.path} = ${given("path")}), ${sql.raw(String(NO_ENTRY))}) = ${given("expected")}
  on conflict (${nameOf(secretSetting.path)}) do update set ${sql.join(
    CHANGED.map((name) => sql`${nameOf(secretSetting[name])} = excluded.${nameOf(secretSetting[name])}`),
    sql`, `,
  )}
  returning ${nameOf(secretSetting.path)}`);

const APPEND = appendWhere(sql`
  exists (select 1 from ${secretSetting}
    where ${secretSetting.path} = ${given("path")} and ${secretSetting.entrySeq} = ${NEXT_SEQ})`);

function columnsOf(settings: SecretSettings) {
  const {
    bindings = [],
    current = 0,
    minimum,
    rotateSeconds = 0,
    leaseSeconds = 0,
    owner,
    labels,
  } = settings;
  const isRetiring = settings.isRetiring ? 1 : 0;
  const bits = bindings.reduce((all, binding) => all | (1 << binding), 0);
  return {
    bindings: bits,
    current,
    minimum,
    rotateSeconds,
    owner,
    labels: canonicalJson(labels),
    isRetiring,
    leaseSeconds,
  };
}

function settingsOf(row: Row): StoredSettings {
  const bindings = bindingsOf(integerOf(row, secretSetting.bindings));
  return {
    bindings: bindings.length === 0 ? undefined : bindings,
    current: integerOf(row, secretSetting.current) || undefined,
    minimum: integerOf(row, secretSetting.minimum),
    rotateSeconds: integerOf(row, secretSetting.rotateSeconds) || undefined,
    isRetiring: integerOf(row, secretSetting.isRetiring) === 1,
    leaseSeconds: integerOf(row, secretSetting.leaseSeconds) || undefined,
    owner: textOf(row, secretSetting.owner),
    labels: labelsOf(textOf(row, secretSetting.labels)),
    entrySeq: integerOf(row, secretSetting.entrySeq),
  };
}

function bindingsOf(bits: number): readonly Binding[] {
  return ALL_BINDINGS.filter((binding) => (bits & (1 << binding)) !== 0);
}

const LABELS_LIMITS = { maxBytes: 65_536, maxDepth: 2, code: "store/incompatible" } as const;

function labelsOf(text: string): Readonly<Record<string, string>> {
  const entries = Object.entries(parseStrictJson(utf8(text), LABELS_LIMITS) ?? {});
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}
