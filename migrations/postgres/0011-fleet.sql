-- Which guests are there, and what was seen of each last? Read off decisions by the scan `fleet`, never by a release.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table guest (
  id text collate "C" primary key,
  place text collate "C" not null,
  seq bigint not null,
  last_at bigint not null,
  about text not null
);

create index guest_last on guest (last_at);
create index guest_newest on guest (place, last_at, seq);
create index guest_place on guest (place, id);
