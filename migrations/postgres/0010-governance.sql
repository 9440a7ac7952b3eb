-- Changes of the roster of admins as the root signed them, and what people say to bundles. A head of the log says which acts of
-- policy and roster were the last under it; a database from before has none, and the broker reads the log once to know.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table roster_change (
  serial bigint primary key check (serial > 0),
  envelope text collate "C" not null,
  digest text collate "C" not null unique,
  at bigint not null,
  by text collate "C" not null,
  entry_seq bigint not null unique
);

create table policy_approval (
  id text collate "C" primary key,
  bundle text collate "C" not null references bundle (digest),
  envelope text collate "C" not null,
  at bigint not null,
  by text collate "C" not null,
  entry_seq bigint not null unique
);

create index policy_approval_bundle on policy_approval (bundle);

alter table checkpoint add column acts text collate "C" not null default '';
