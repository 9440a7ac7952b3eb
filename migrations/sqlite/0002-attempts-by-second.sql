-- Attempts are counted by the second and forgotten after an hour: however often one guest asks, an hour has 3600 rows.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

alter table attempt rename to attempt_by_decision;

create table attempt (
  report_id text not null,
  resource text not null,
  at integer not null,
  decisions integer not null check (decisions > 0),
  primary key (report_id, resource, at)
) strict, without rowid;
create index attempt_at on attempt (at);

insert into attempt (report_id, resource, at, decisions)
select report_id, resource, at, count(*) from attempt_by_decision group by report_id, resource, at;

drop table attempt_by_decision;
