-- Ostiary's first schema. docs/storage.md explains every column.
-- Integers are whole Unix seconds unless the name says otherwise; bytes are blobs; JSON is canonical text.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table schema_migration (
  version integer primary key,
  name text not null,
  sha256 text not null
) strict;

-- ── decisions ──

-- INVARIANT: the primary key is what makes a nonce open one door.
create table nonce_spend (
  kid integer not null,
  rand blob not null,
  decision text not null,
  keep_until integer not null,
  primary key (kid, rand)
) strict, without rowid;
create index nonce_spend_keep_until on nonce_spend (keep_until);

create table decision (
  seq integer primary key,
  id text not null unique,
  at integer not null,
  exhausted text not null,
  is_all_or_nothing integer not null,
  trace text not null
) strict;

-- Uses of one counter in one second; window_seconds 0 is "ever", and then at is 0 as well.
create table counter_use (
  key text not null,
  window_seconds integer not null,
  at integer not null,
  uses integer not null check (uses >= 0),
  primary key (key, window_seconds, at)
) strict, without rowid;

create table attempt (
  report_id text not null,
  resource text not null,
  at integer not null,
  decision text not null,
  primary key (report_id, resource, at, decision)
) strict, without rowid;

create table refusal (
  id text not null primary key,
  at integer not null,
  source text not null,
  code text not null,
  format text not null
) strict, without rowid;
create index refusal_at on refusal (at);

-- ── ledger ──

-- INVARIANT: seq counts from 0 without gaps; it is the leaf's position in the tree.
create table ledger_entry (
  seq integer primary key,
  draft text not null,
  exhausted text not null,
  is_all_or_nothing integer not null
) strict;

create table checkpoint (
  id integer primary key check (id = 1),
  size integer not null,
  note text not null,
  frontier blob not null
) strict;

-- ── policy bundles ──

create table bundle (
  digest text not null primary key,
  tar blob not null,
  signature text not null,
  proposed_at integer not null,
  proposed_by text not null,
  entry_seq integer not null unique
) strict;

create table activation (
  serial integer primary key,
  digest text not null references bundle (digest),
  signature text not null,
  at integer not null,
  by text not null,
  entry_seq integer not null unique
) strict;

-- ── secrets ──

create table secret_version (
  path text not null,
  version integer not null,
  kind text not null,
  envelope blob not null,
  state text not null,
  created_at integer not null,
  created_by text not null,
  entry_seq integer not null unique,
  primary key (path, version)
) strict, without rowid;

-- ── the broker's own state ──

create table meta (
  name text not null primary key,
  value text not null
) strict, without rowid;

create table admin_request (
  kid text not null,
  jti text not null,
  until integer not null,
  primary key (kid, jti)
) strict, without rowid;
create index admin_request_until on admin_request (until);

create table nonce_epoch (
  kid integer primary key,
  wrapped blob not null,
  created_at integer not null
) strict;

create table endorsement (
  key text not null primary key,
  der blob not null,
  obtained_at integer not null
) strict;
