-- Changes of the roster of admins as the root signed them, and what people say to bundles. A head of the log says which acts of
-- policy and roster were the last under it; a database from before has none, and the broker reads the log once to know.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table roster_change (
  serial integer primary key check (serial > 0),
  envelope text not null,
  digest text not null unique,
  at integer not null,
  by text not null,
  entry_seq integer not null unique
) strict;

create table policy_approval (
  id text not null primary key,
  bundle text not null references bundle (digest),
  envelope text not null,
  at integer not null,
  by text not null,
  entry_seq integer not null unique
) strict, without rowid;

create index policy_approval_bundle on policy_approval (bundle);

alter table checkpoint add column acts text not null default '';
