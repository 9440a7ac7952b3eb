-- Tokens: whom they may be for, the keys that sign them, proofs that were used, decisions whose tokens count no more.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table token_audience (
  name text not null primary key,
  aud text not null unique,
  is_bearer integer not null,
  created_at integer not null,
  created_by text not null
) strict, without rowid;

create table token_key (
  serial integer primary key,
  wrapped blob not null,
  signs_from integer not null,
  withdraws integer not null,
  created_at integer not null,
  created_by text not null
) strict;

-- INVARIANT: the primary key is what makes a DPoP proof count once.
create table dpop_proof (
  jkt text not null,
  jti text not null,
  until integer not null,
  primary key (jkt, jti)
) strict, without rowid;
create index dpop_proof_until on dpop_proof (until);

create table token_revocation (
  decision text not null primary key,
  at integer not null,
  by text not null
) strict, without rowid;
