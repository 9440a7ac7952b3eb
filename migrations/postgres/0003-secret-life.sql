-- What holds for a secret as a whole takes the place of its bindings alone (0 means any), and a version says what was made,
-- its public half, and when it is to be destroyed (0 means never).
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table secret_setting (
  path text collate "C" primary key,
  bindings bigint not null check (bindings = 0 or bindings between 2 and 14),
  current bigint not null check (current >= 0),
  minimum bigint not null check (minimum >= 1),
  rotate_seconds bigint not null check (rotate_seconds >= 0),
  owner text not null,
  labels text not null,
  entry_seq bigint not null unique
);

insert into secret_setting (path, bindings, current, minimum, rotate_seconds, owner, labels, entry_seq)
select path, bindings, 0, 1, 0, '', '{}', entry_seq from secret_binding;

drop table secret_binding;

alter table secret_version add column make text not null default '';
alter table secret_version add column public_key bytea not null default '\x';
alter table secret_version add column destroy_at bigint not null default 0;

create index secret_version_destroy_at on secret_version (destroy_at) where destroy_at > 0;
