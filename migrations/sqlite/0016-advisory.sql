-- Editions of the advisory data, what AMD's bulletins ask of firmware, as operators signed them.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table advisory (
  serial integer primary key check (serial > 0),
  digest text not null,
  envelope text not null,
  at integer not null,
  by text not null,
  entry_seq integer not null unique
) strict;
