-- What is wrong with something: each spell of it, when each scan had its turn, when credentials were used, and what drills plant.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table finding (
  id text not null,
  episode integer not null check (episode >= 1),
  class text not null,
  subject text not null,
  severity text not null,
  owner text not null,
  sentence text not null,
  advice text not null,
  evidence text not null,
  drill text not null,
  introduced_at integer not null,
  detected_at integer not null,
  seen_at integer not null,
  acknowledged_at integer not null,
  acknowledged_by text not null,
  note text not null,
  remediated_at integer not null,
  remedy text not null,
  recurrences integer not null check (recurrences >= 0),
  primary key (id, episode)
) strict, without rowid;

create index finding_class on finding (class, remediated_at, id);

create table finding_scan (
  name text not null primary key,
  begun_at integer not null,
  ended_at integer not null,
  runs integer not null,
  subjects integer not null,
  blind integer not null,
  findings integer not null,
  trouble text not null
) strict, without rowid;

create table credential_use (
  name text not null primary key,
  first_at integer not null,
  last_at integer not null,
  about text not null
) strict, without rowid;

create table drill (
  id text not null primary key,
  kind text not null,
  planted_at integer not null,
  ends_at integer not null,
  planted_by text not null,
  entry_seq integer not null unique
) strict, without rowid;
