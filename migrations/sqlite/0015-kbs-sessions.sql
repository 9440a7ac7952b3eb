-- Sessions of the KBS exchange whose guests were attested, each with its token, until that ends. A token is signed and names the
-- session's nonce: rows that somebody else writes give nobody anything.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table kbs_session (
  id text not null primary key,
  token text not null,
  until integer not null
) strict, without rowid;

create index kbs_session_until on kbs_session (until);
