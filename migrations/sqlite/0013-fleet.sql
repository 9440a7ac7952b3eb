-- Which guests are there, and what was seen of each last? Read off decisions by the scan `fleet`, never by a release.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table guest (
  id text not null primary key,
  place text not null,
  seq integer not null,
  last_at integer not null,
  about text not null
) strict, without rowid;

create index guest_last on guest (last_at);
create index guest_newest on guest (place, last_at, seq);
create index guest_place on guest (place, id);
