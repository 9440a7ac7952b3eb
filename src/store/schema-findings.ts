/** Which tables hold findings, and what is known of credentials? Of SQLite and D1; the same as in `migrations/sqlite/`. */
import { sql } from "drizzle-orm/sql/sql";
import { check } from "drizzle-orm/sqlite-core/checks";
import { integer } from "drizzle-orm/sqlite-core/columns/integer";
import { text } from "drizzle-orm/sqlite-core/columns/text";
import { index } from "drizzle-orm/sqlite-core/indexes";
import { primaryKey } from "drizzle-orm/sqlite-core/primary-keys";
import { sqliteTable } from "drizzle-orm/sqlite-core/table";

export const finding = sqliteTable(
  "finding",
  {
    id: text("id").notNull(),
    episode: integer("episode").notNull(),
    class: text("class").notNull(),
    subject: text("subject").notNull(),
    severity: text("severity").notNull(),
    owner: text("owner").notNull(),
    sentence: text("sentence").notNull(),
    advice: text("advice").notNull(),
    /** Canonical JSON. */
    evidence: text("evidence").notNull(),
    /** Empty for a real one. */
    drill: text("drill").notNull(),
    /** 0 where nothing says when it came to be. */
    introducedAt: integer("introduced_at").notNull(),
    detectedAt: integer("detected_at").notNull(),
    seenAt: integer("seen_at").notNull(),
    /** 0 as long as nobody knows of it. */
    acknowledgedAt: integer("acknowledged_at").notNull(),
    acknowledgedBy: text("acknowledged_by").notNull(),
    note: text("note").notNull(),
    /** 0 while it is open. */
    remediatedAt: integer("remediated_at").notNull(),
    remedy: text("remedy").notNull(),
    recurrences: integer("recurrences").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.id, t.episode] }),
    index("finding_class").on(t.class, t.remediatedAt, t.id),
    check("episode", sql`${t.episode} >= 1`),
    check("recurrences", sql`${t.recurrences} >= 0`),
  ],
);

export const findingScan = sqliteTable("finding_scan", {
  name: text("name").notNull().primaryKey(),
  begunAt: integer("begun_at").notNull(),
  endedAt: integer("ended_at").notNull(),
  runs: integer("runs").notNull(),
  subjects: integer("subjects").notNull(),
  blind: integer("blind").notNull(),
  findings: integer("findings").notNull(),
  trouble: text("trouble").notNull(),
});

export const credentialUse = sqliteTable("credential_use", {
  name: text("name").notNull().primaryKey(),
  firstAt: integer("first_at").notNull(),
  lastAt: integer("last_at").notNull(),
  /** Canonical JSON; empty where the inventory has the thing itself. */
  about: text("about").notNull(),
});

export const drill = sqliteTable("drill", {
  id: text("id").notNull().primaryKey(),
  kind: text("kind").notNull(),
  plantedAt: integer("planted_at").notNull(),
  endsAt: integer("ends_at").notNull(),
  plantedBy: text("planted_by").notNull(),
  entrySeq: integer("entry_seq").notNull().unique(),
});

export const guest = sqliteTable(
  "guest",
  {
    id: text("id").notNull().primaryKey(),
    place: text("place").notNull(),
    /** Of the newest decision that is told in it. */
    seq: integer("seq").notNull(),
    lastAt: integer("last_at").notNull(),
    /** Canonical JSON. */
    about: text("about").notNull(),
  },
  (t) => [
    index("guest_place").on(t.place, t.id),
    index("guest_newest").on(t.place, t.lastAt, t.seq),
    index("guest_last").on(t.lastAt),
  ],
);
