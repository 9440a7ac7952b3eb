-- Which bindings a secret may be released over: bit 1 << binding, as in a nonce. No row means any.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table secret_binding (
  path text collate "C" primary key,
  bindings bigint not null check (bindings between 2 and 14),
  entry_seq bigint not null unique
);
