-- The Merkle tree of the log in tiles of 256 hashes. A database from before has none: the broker fills them from the entries.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table ledger_tile (
  level bigint not null check (level >= 0),
  position bigint not null check (position >= 0),
  hashes bytea not null,
  primary key (level, position)
);
