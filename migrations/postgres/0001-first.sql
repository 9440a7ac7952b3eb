-- The tables of a PostgreSQL database, column by column those of migrations/sqlite. docs/storage.md explains them.
-- Whole numbers are bigint, bytes bytea; text sorts by its bytes. The runner wraps this file in one transaction.

create table schema_migration (
  version bigint primary key,
  name text collate "C" not null,
  sha256 text collate "C" not null
);

-- ── decisions ──

-- INVARIANT: the primary key is what makes a nonce open one door.
create table nonce_spend (
  kid bigint not null,
  rand bytea not null,
  decision text collate "C" not null,
  keep_until bigint not null,
  primary key (kid, rand)
);
create index nonce_spend_keep_until on nonce_spend (keep_until);

create table decision (
  seq bigint primary key,
  id text collate "C" not null unique,
  at bigint not null,
  exhausted text collate "C" not null,
  is_all_or_nothing bigint not null,
  trace text collate "C" not null
);

create table counter_use (
  key text collate "C" not null,
  window_seconds bigint not null,
  at bigint not null,
  uses bigint not null check (uses >= 0),
  primary key (key, window_seconds, at)
);

create table attempt (
  report_id text collate "C" not null,
  resource text collate "C" not null,
  at bigint not null,
  decisions bigint not null check (decisions > 0),
  primary key (report_id, resource, at)
);
create index attempt_at on attempt (at);

create table refusal (
  id text collate "C" primary key,
  at bigint not null,
  source text collate "C" not null,
  code text collate "C" not null,
  format text collate "C" not null
);
create index refusal_at on refusal (at);

-- ── ledger ──

-- INVARIANT: seq counts from 0 without gaps; it is the leaf's position in the tree. So it is no sequence's number.
create table ledger_entry (
  seq bigint primary key,
  draft text collate "C" not null,
  exhausted text collate "C" not null,
  is_all_or_nothing bigint not null
);

create table checkpoint (
  id bigint primary key check (id = 1),
  size bigint not null,
  note text collate "C" not null,
  frontier bytea not null
);

-- ── policy bundles ──

create table bundle (
  digest text collate "C" primary key,
  tar bytea not null,
  signature text collate "C" not null,
  proposed_at bigint not null,
  proposed_by text collate "C" not null,
  entry_seq bigint not null unique
);

create table activation (
  serial bigint primary key,
  digest text collate "C" not null references bundle (digest),
  signature text collate "C" not null,
  at bigint not null,
  by text collate "C" not null,
  entry_seq bigint not null unique
);

-- ── secrets ──

create table secret_version (
  path text collate "C" not null,
  version bigint not null,
  kind text collate "C" not null,
  envelope bytea not null,
  state text collate "C" not null,
  created_at bigint not null,
  created_by text collate "C" not null,
  entry_seq bigint not null unique,
  primary key (path, version)
);

-- ── the broker's own state ──

create table meta (
  name text collate "C" primary key,
  value text collate "C" not null
);

create table admin_request (
  kid text collate "C" not null,
  jti text collate "C" not null,
  until bigint not null,
  primary key (kid, jti)
);
create index admin_request_until on admin_request (until);

create table nonce_epoch (
  kid bigint primary key,
  wrapped bytea not null,
  created_at bigint not null
);

create table endorsement (
  key text collate "C" primary key,
  der bytea not null,
  obtained_at bigint not null
);

-- ── tokens ──

create table token_audience (
  name text collate "C" primary key,
  aud text collate "C" not null unique,
  is_bearer bigint not null,
  created_at bigint not null,
  created_by text collate "C" not null
);

create table token_key (
  serial bigint primary key,
  wrapped bytea not null,
  signs_from bigint not null,
  withdraws bigint not null,
  created_at bigint not null,
  created_by text collate "C" not null
);

-- INVARIANT: the primary key is what makes a DPoP proof count once.
create table dpop_proof (
  jkt text collate "C" not null,
  jti text collate "C" not null,
  until bigint not null,
  primary key (jkt, jti)
);
create index dpop_proof_until on dpop_proof (until);

create table token_revocation (
  decision text collate "C" primary key,
  at bigint not null,
  by text collate "C" not null
);

-- ── batches ──

-- Which batches are whole: asked by a broker whose connection ended at the commit. Forgotten after an hour.
create table batch (
  id text collate "C" primary key,
  at bigint not null
);
create index batch_at on batch (at);
