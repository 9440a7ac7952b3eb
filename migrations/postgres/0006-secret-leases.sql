-- Who holds a secret that one guest at a time may hold, and under which fencing token. A row stays when a lease ends: its fence
-- is what the next holder's is higher than.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table secret_lease (
  path text collate "C" not null primary key,
  holder text collate "C" not null,
  fence bigint not null check (fence >= 1),
  since bigint not null,
  until bigint not null,
  decision text not null
);

alter table secret_setting add column lease_seconds bigint not null default 0;
