-- Sessions of the KBS exchange whose guests were attested, each with its token, until that ends. A token is signed and names the
-- session's nonce: rows that somebody else writes give nobody anything.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table kbs_session (
  id text collate "C" primary key,
  token text not null,
  until bigint not null
);

create index kbs_session_until on kbs_session (until);
