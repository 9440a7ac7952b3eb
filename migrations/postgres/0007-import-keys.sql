-- Keys that secrets are sealed to on their way in: each takes one secret and is gone then.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table import_key (
  id text collate "C" primary key,
  suite bigint not null check (suite in (1, 2)),
  public_key bytea not null,
  wrapped bytea not null,
  expires_at bigint not null,
  created_at bigint not null,
  created_by text not null,
  entry_seq bigint not null unique
);
