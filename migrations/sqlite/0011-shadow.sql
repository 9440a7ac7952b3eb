-- Why a bundle may let in whom the live one refuses; which bundle is in shadow; where it would have decided otherwise.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table gain_explanation (
  id text not null primary key,
  digest text not null references bundle (digest),
  signature text not null,
  at integer not null,
  by text not null,
  entry_seq integer not null unique
) strict, without rowid;
create index gain_explanation_digest on gain_explanation (digest);

create table shadow_order (
  serial integer primary key,
  digest text not null,
  signature text not null,
  at integer not null,
  by text not null,
  entry_seq integer not null unique
) strict;

-- INVARIANT: seq counts from 1 without gaps; each hash is over its row and the hash before, and the last of a batch is in the ledger.
create table shadow_difference (
  seq integer primary key,
  shadow_order integer not null,
  decision text not null,
  item integer not null,
  at integer not null,
  resource text not null,
  direction text not null,
  live_code text not null,
  shadow_code text not null,
  clause text not null,
  reason text not null,
  live_trace text not null,
  shadow_trace text not null,
  hash text not null,
  entry_seq integer not null
) strict;
create index shadow_difference_order on shadow_difference (shadow_order);
