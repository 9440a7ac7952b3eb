-- Why a bundle may let in whom the live one refuses; which bundle is in shadow; where it would have decided otherwise.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table gain_explanation (
  id text collate "C" primary key,
  digest text collate "C" not null references bundle (digest),
  signature text collate "C" not null,
  at bigint not null,
  by text collate "C" not null,
  entry_seq bigint not null unique
);
create index gain_explanation_digest on gain_explanation (digest);

create table shadow_order (
  serial bigint primary key,
  digest text collate "C" not null,
  signature text collate "C" not null,
  at bigint not null,
  by text collate "C" not null,
  entry_seq bigint not null unique
);

-- INVARIANT: seq counts from 1 without gaps; each hash is over its row and the hash before, and the last of a batch is in the ledger.
create table shadow_difference (
  seq bigint primary key,
  shadow_order bigint not null,
  decision text collate "C" not null,
  item bigint not null,
  at bigint not null,
  resource text collate "C" not null,
  direction text collate "C" not null,
  live_code text collate "C" not null,
  shadow_code text collate "C" not null,
  clause text collate "C" not null,
  reason text collate "C" not null,
  live_trace text collate "C" not null,
  shadow_trace text collate "C" not null,
  hash text collate "C" not null,
  entry_seq bigint not null
);
create index shadow_difference_order on shadow_difference (shadow_order);
