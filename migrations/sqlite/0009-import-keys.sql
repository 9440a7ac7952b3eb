-- Keys that secrets are sealed to on their way in: each takes one secret and is gone then.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table import_key (
  id text not null primary key,
  suite integer not null check (suite in (1, 2)),
  public_key blob not null,
  wrapped blob not null,
  expires_at integer not null,
  created_at integer not null,
  created_by text not null,
  entry_seq integer not null unique
) strict, without rowid;
