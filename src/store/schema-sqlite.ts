/** Which tables does a SQLite or D1 database have? The same as `migrations/sqlite/`, which a test compares. */
import { sql } from "drizzle-orm/sql/sql";
import { check } from "drizzle-orm/sqlite-core/checks";
import { customType } from "drizzle-orm/sqlite-core/columns/custom";
import { integer } from "drizzle-orm/sqlite-core/columns/integer";
import { text } from "drizzle-orm/sqlite-core/columns/text";
import { index } from "drizzle-orm/sqlite-core/indexes";
import { primaryKey } from "drizzle-orm/sqlite-core/primary-keys";
import { sqliteTable } from "drizzle-orm/sqlite-core/table";

/** Bytes as they are: drizzle's own blob column would name `Buffer`, which Workers lack. */
const bytes = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => "blob" });

export const schemaMigration = sqliteTable("schema_migration", {
  version: integer("version").primaryKey(),
  name: text("name").notNull(),
  sha256: text("sha256").notNull(),
});

// ── decisions ───────────────────────────────────────────────────────────────────────────────────────────────────────

export const nonceSpend = sqliteTable(
  "nonce_spend",
  {
    kid: integer("kid").notNull(),
    rand: bytes("rand").notNull(),
    decision: text("decision").notNull(),
    keepUntil: integer("keep_until").notNull(),
  },
  (t) => [primaryKey({ columns: [t.kid, t.rand] }), index("nonce_spend_keep_until").on(t.keepUntil)],
);

export const decision = sqliteTable("decision", {
  seq: integer("seq").primaryKey(),
  id: text("id").notNull().unique(),
  at: integer("at").notNull(),
  exhausted: text("exhausted").notNull(),
  isAllOrNothing: integer("is_all_or_nothing").notNull(),
  trace: text("trace").notNull(),
});

export const counterUse = sqliteTable(
  "counter_use",
  {
    key: text("key").notNull(),
    windowSeconds: integer("window_seconds").notNull(),
    at: integer("at").notNull(),
    uses: integer("uses").notNull(),
  },
  (t) => [primaryKey({ columns: [t.key, t.windowSeconds, t.at] }), check("uses", sql`${t.uses} >= 0`)],
);

export const attempt = sqliteTable(
  "attempt",
  {
    reportId: text("report_id").notNull(),
    resource: text("resource").notNull(),
    at: integer("at").notNull(),
    decisions: integer("decisions").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.reportId, t.resource, t.at] }),
    index("attempt_at").on(t.at),
    check("decisions", sql`${t.decisions} > 0`),
  ],
);

export const refusal = sqliteTable(
  "refusal",
  {
    id: text("id").primaryKey(),
    at: integer("at").notNull(),
    source: text("source").notNull(),
    code: text("code").notNull(),
    format: text("format").notNull(),
  },
  (t) => [index("refusal_at").on(t.at)],
);

// ── ledger ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export const ledgerEntry = sqliteTable("ledger_entry", {
  seq: integer("seq").primaryKey(),
  draft: text("draft").notNull(),
  exhausted: text("exhausted").notNull(),
  isAllOrNothing: integer("is_all_or_nothing").notNull(),
});

export const checkpoint = sqliteTable(
  "checkpoint",
  {
    id: integer("id").primaryKey(),
    size: integer("size").notNull(),
    note: text("note").notNull(),
    frontier: bytes("frontier").notNull(),
    /** Which acts of policy and roster were the last under it, signed; empty in a database from before. */
    acts: text("acts").notNull().default(""),
  },
  (t) => [check("id", sql`${t.id} = 1`)],
);

export const ledgerTile = sqliteTable(
  "ledger_tile",
  {
    level: integer("level").notNull(),
    position: integer("position").notNull(),
    /** 32 bytes each, 256 of them in a full tile. */
    hashes: bytes("hashes").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.level, t.position] }),
    check("level", sql`${t.level} >= 0`),
    check("position", sql`${t.position} >= 0`),
  ],
);

// ── policy bundles ──────────────────────────────────────────────────────────────────────────────────────────────────

export const bundle = sqliteTable("bundle", {
  digest: text("digest").primaryKey(),
  tar: bytes("tar").notNull(),
  signature: text("signature").notNull(),
  proposedAt: integer("proposed_at").notNull(),
  proposedBy: text("proposed_by").notNull(),
  entrySeq: integer("entry_seq").notNull().unique(),
});

export const activation = sqliteTable("activation", {
  serial: integer("serial").primaryKey(),
  digest: text("digest")
    .notNull()
    .references(() => bundle.digest),
  signature: text("signature").notNull(),
  at: integer("at").notNull(),
  by: text("by").notNull(),
  entrySeq: integer("entry_seq").notNull().unique(),
});

// ── secrets ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export const secretVersion = sqliteTable(
  "secret_version",
  {
    path: text("path").notNull(),
    version: integer("version").notNull(),
    kind: text("kind").notNull(),
    envelope: bytes("envelope").notNull(),
    state: text("state").notNull(),
    createdAt: integer("created_at").notNull(),
    createdBy: text("created_by").notNull(),
    entrySeq: integer("entry_seq").notNull().unique(),
    make: text("make").notNull(),
    publicKey: bytes("public_key").notNull(),
    /** 0 for a version that is not condemned. */
    destroyAt: integer("destroy_at").notNull(),
    /** How many readers that have not confirmed a later version its destruction may cut off. */
    despite: integer("despite").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.path, t.version] }),
    index("secret_version_destroy_at").on(t.destroyAt).where(sql`${t.destroyAt} > 0`),
  ],
);

export const secretSetting = sqliteTable(
  "secret_setting",
  {
    path: text("path").notNull().primaryKey(),
    /** Bit `1 << binding` for each; 0 where nobody chose any. */
    bindings: integer("bindings").notNull(),
    /** 0: the newest enabled one. */
    current: integer("current").notNull(),
    minimum: integer("minimum").notNull(),
    /** 0: by hand only. */
    rotateSeconds: integer("rotate_seconds").notNull(),
    owner: text("owner").notNull(),
    /** Canonical JSON. */
    labels: text("labels").notNull(),
    entrySeq: integer("entry_seq").notNull().unique(),
    isRetiring: integer("is_retiring").notNull(),
    /** 0: any number of guests may hold it at a time. */
    leaseSeconds: integer("lease_seconds").notNull(),
  },
  (t) => [
    check("bindings", sql`${t.bindings} = 0 or ${t.bindings} between 2 and 14`),
    check("current", sql`${t.current} >= 0`),
    check("minimum", sql`${t.minimum} >= 1`),
    check("rotate_seconds", sql`${t.rotateSeconds} >= 0`),
  ],
);

export const secretReader = sqliteTable(
  "secret_reader",
  {
    path: text("path").notNull(),
    version: integer("version").notNull(),
    /** `report.id` of the guest, hex; `before` for whoever read it before readers were kept. */
    reader: text("reader").notNull(),
    firstAt: integer("first_at").notNull(),
    lastAt: integer("last_at").notNull(),
    /** The newest decision by which it was read. */
    decision: text("decision").notNull(),
    /** When it said that a later version is in use; 0 as long as it has not. */
    confirmedAt: integer("confirmed_at").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.path, t.version, t.reader] }),
    check("version", sql`${t.version} >= 1`),
    check("confirmed_at", sql`${t.confirmedAt} >= 0`),
  ],
);

export const secretLease = sqliteTable(
  "secret_lease",
  {
    path: text("path").notNull().primaryKey(),
    /** `report.id` of the guest, hex; empty after a restore, when nobody knows. */
    holder: text("holder").notNull(),
    fence: integer("fence").notNull(),
    since: integer("since").notNull(),
    /** The lease runs while this lies ahead. */
    until: integer("until").notNull(),
    decision: text("decision").notNull(),
  },
  (t) => [check("fence", sql`${t.fence} >= 1`)],
);

export const importKey = sqliteTable(
  "import_key",
  {
    id: text("id").notNull().primaryKey(),
    suite: integer("suite").notNull(),
    publicKey: bytes("public_key").notNull(),
    wrapped: bytes("wrapped").notNull(),
    expiresAt: integer("expires_at").notNull(),
    createdAt: integer("created_at").notNull(),
    createdBy: text("created_by").notNull(),
    entrySeq: integer("entry_seq").notNull().unique(),
  },
  (t) => [check("suite", sql`${t.suite} in (1, 2)`)],
);

// ── the broker's own state ──────────────────────────────────────────────────────────────────────────────────────────

export const meta = sqliteTable("meta", {
  name: text("name").primaryKey(),
  value: text("value").notNull(),
});

export const adminRequest = sqliteTable(
  "admin_request",
  {
    kid: text("kid").notNull(),
    jti: text("jti").notNull(),
    until: integer("until").notNull(),
  },
  (t) => [primaryKey({ columns: [t.kid, t.jti] }), index("admin_request_until").on(t.until)],
);

export const nonceEpoch = sqliteTable("nonce_epoch", {
  kid: integer("kid").primaryKey(),
  wrapped: bytes("wrapped").notNull(),
  createdAt: integer("created_at").notNull(),
});

export const endorsement = sqliteTable("endorsement", {
  key: text("key").primaryKey(),
  der: bytes("der").notNull(),
  obtainedAt: integer("obtained_at").notNull(),
});

// ── tokens ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export const tokenAudience = sqliteTable("token_audience", {
  name: text("name").primaryKey(),
  aud: text("aud").notNull().unique(),
  isBearer: integer("is_bearer").notNull(),
  createdAt: integer("created_at").notNull(),
  createdBy: text("created_by").notNull(),
});

export const tokenKey = sqliteTable("token_key", {
  serial: integer("serial").primaryKey(),
  wrapped: bytes("wrapped").notNull(),
  signsFrom: integer("signs_from").notNull(),
  withdraws: integer("withdraws").notNull(),
  createdAt: integer("created_at").notNull(),
  createdBy: text("created_by").notNull(),
});

export const dpopProof = sqliteTable(
  "dpop_proof",
  {
    jkt: text("jkt").notNull(),
    jti: text("jti").notNull(),
    until: integer("until").notNull(),
  },
  (t) => [primaryKey({ columns: [t.jkt, t.jti] }), index("dpop_proof_until").on(t.until)],
);

export const tokenRevocation = sqliteTable("token_revocation", {
  decision: text("decision").primaryKey(),
  at: integer("at").notNull(),
  by: text("by").notNull(),
});

export const kbsSession = sqliteTable(
  "kbs_session",
  {
    id: text("id").notNull().primaryKey(),
    token: text("token").notNull(),
    until: integer("until").notNull(),
  },
  (t) => [index("kbs_session_until").on(t.until)],
);

// ── findings ────────────────────────────────────────────────────────────────────────────────────────────────────────
