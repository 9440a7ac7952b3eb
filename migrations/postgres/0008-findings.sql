-- What is wrong with something: each spell of it, when each scan had its turn, when credentials were used, and what drills plant.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table finding (
  id text collate "C" not null,
  episode bigint not null check (episode >= 1),
  class text collate "C" not null,
  subject text not null,
  severity text not null,
  owner text not null,
  sentence text not null,
  advice text not null,
  evidence text not null,
  drill text not null,
  introduced_at bigint not null,
  detected_at bigint not null,
  seen_at bigint not null,
  acknowledged_at bigint not null,
  acknowledged_by text not null,
  note text not null,
  remediated_at bigint not null,
  remedy text not null,
  recurrences bigint not null check (recurrences >= 0),
  primary key (id, episode)
);

create index finding_class on finding (class, remediated_at, id);

create table finding_scan (
  name text collate "C" primary key,
  begun_at bigint not null,
  ended_at bigint not null,
  runs bigint not null,
  subjects bigint not null,
  blind bigint not null,
  findings bigint not null,
  trouble text not null
);

create table credential_use (
  name text collate "C" primary key,
  first_at bigint not null,
  last_at bigint not null,
  about text not null
);

create table drill (
  id text collate "C" primary key,
  kind text not null,
  planted_at bigint not null,
  ends_at bigint not null,
  planted_by text not null,
  entry_seq bigint not null unique
);
