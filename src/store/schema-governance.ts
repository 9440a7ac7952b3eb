/** Which tables hold how policy changes, and who may change it? Of SQLite and D1; the same as in `migrations/sqlite/`. */
import { sql } from "drizzle-orm/sql/sql";
import { check } from "drizzle-orm/sqlite-core/checks";
import { integer } from "drizzle-orm/sqlite-core/columns/integer";
import { text } from "drizzle-orm/sqlite-core/columns/text";
import { index } from "drizzle-orm/sqlite-core/indexes";
import { sqliteTable } from "drizzle-orm/sqlite-core/table";
import { bundle } from "./schema-sqlite.ts";

export const gainExplanation = sqliteTable(
  "gain_explanation",
  {
    id: text("id").notNull().primaryKey(),
    digest: text("digest")
      .notNull()
      .references(() => bundle.digest),
    signature: text("signature").notNull(),
    at: integer("at").notNull(),
    by: text("by").notNull(),
    entrySeq: integer("entry_seq").notNull().unique(),
  },
  (t) => [index("gain_explanation_digest").on(t.digest)],
);

export const shadowOrder = sqliteTable("shadow_order", {
  serial: integer("serial").primaryKey(),
  digest: text("digest").notNull(),
  signature: text("signature").notNull(),
  at: integer("at").notNull(),
  by: text("by").notNull(),
  entrySeq: integer("entry_seq").notNull().unique(),
});

export const shadowDifference = sqliteTable(
  "shadow_difference",
  {
    seq: integer("seq").primaryKey(),
    order: integer("shadow_order").notNull(),
    decision: text("decision").notNull(),
    item: integer("item").notNull(),
    at: integer("at").notNull(),
    resource: text("resource").notNull(),
    direction: text("direction").notNull(),
    liveCode: text("live_code").notNull(),
    shadowCode: text("shadow_code").notNull(),
    clause: text("clause").notNull(),
    reason: text("reason").notNull(),
    liveTrace: text("live_trace").notNull(),
    shadowTrace: text("shadow_trace").notNull(),
    hash: text("hash").notNull(),
    entrySeq: integer("entry_seq").notNull(),
  },
  (t) => [index("shadow_difference_order").on(t.order)],
);

export const policyApproval = sqliteTable(
  "policy_approval",
  {
    /** SHA-256 of the envelope. */
    id: text("id").primaryKey(),
    bundle: text("bundle")
      .notNull()
      .references(() => bundle.digest),
    envelope: text("envelope").notNull(),
    at: integer("at").notNull(),
    by: text("by").notNull(),
    entrySeq: integer("entry_seq").notNull().unique(),
  },
  (t) => [index("policy_approval_bundle").on(t.bundle)],
);

export const rosterChange = sqliteTable(
  "roster_change",
  {
    serial: integer("serial").primaryKey(),
    envelope: text("envelope").notNull(),
    /** SHA-256 of its payload. */
    digest: text("digest").notNull().unique(),
    at: integer("at").notNull(),
    by: text("by").notNull(),
    entrySeq: integer("entry_seq").notNull().unique(),
  },
  (t) => [check("serial", sql`${t.serial} > 0`)],
);

export const advisory = sqliteTable(
  "advisory",
  {
    serial: integer("serial").primaryKey(),
    /** SHA-256 of the envelope's payload. */
    digest: text("digest").notNull(),
    envelope: text("envelope").notNull(),
    at: integer("at").notNull(),
    by: text("by").notNull(),
    entrySeq: integer("entry_seq").notNull().unique(),
  },
  (t) => [check("serial", sql`${t.serial} > 0`)],
);

export const waitingRequest = sqliteTable(
  "waiting_request",
  {
    /** SHA-256 of its subject. */
    request: text("request").primaryKey(),
    resource: text("resource").notNull(),
    op: text("op").notNull(),
    report: text("report").notNull(),
    channel: text("channel").notNull(),
    since: integer("since").notNull(),
    at: integer("at").notNull(),
    until: integer("until").notNull(),
    source: text("source").notNull(),
    decision: text("decision").notNull(),
    /** How long an approval of it is good for. */
    seconds: integer("seconds").notNull(),
  },
  (t) => [index("waiting_request_source").on(t.source), index("waiting_request_resource").on(t.resource)],
);

export const requestApproval = sqliteTable(
  "request_approval",
  {
    /** SHA-256 of who signed and what. */
    id: text("id").primaryKey(),
    request: text("request").notNull(),
    person: text("person").notNull(),
    kid: text("kid").notNull(),
    envelope: text("envelope").notNull(),
    at: integer("at").notNull(),
    until: integer("until").notNull(),
    entrySeq: integer("entry_seq").notNull().unique(),
  },
  (t) => [index("request_approval_request").on(t.request)],
);
