-- Editions of the advisory data, what AMD's bulletins ask of firmware, as operators signed them.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table advisory (
  serial bigint primary key check (serial > 0),
  digest text collate "C" not null,
  envelope text collate "C" not null,
  at bigint not null,
  by text collate "C" not null,
  entry_seq bigint not null unique
);
