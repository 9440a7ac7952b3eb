-- Who has read which version, and whether they said that a later one took its place. For versions from before this table
-- somebody may have: one reader of no name stands for all of them, and is confirmed by nobody.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table secret_reader (
  path text not null,
  version integer not null check (version >= 1),
  reader text not null,
  first_at integer not null,
  last_at integer not null,
  decision text not null,
  confirmed_at integer not null check (confirmed_at >= 0),
  primary key (path, version, reader)
) strict, without rowid;

insert into secret_reader (path, version, reader, first_at, last_at, decision, confirmed_at)
select path, version, 'before', created_at, created_at, '', 0 from secret_version where state <> 'destroyed';

alter table secret_version add column despite integer not null default 0;
alter table secret_setting add column is_retiring integer not null default 0;
