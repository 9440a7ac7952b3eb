-- Requests of guests that wait for people, and what people said to them. An approval that a counter has counted is used up; rows are
-- forgotten an hour after they were asked for or signed.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table waiting_request (
  request text not null primary key,
  resource text not null,
  op text not null,
  report text not null,
  channel text not null,
  since integer not null,
  at integer not null,
  until integer not null,
  source text not null,
  decision text not null,
  seconds integer not null
) strict, without rowid;

create index waiting_request_resource on waiting_request (resource);

create index waiting_request_source on waiting_request (source);

create table request_approval (
  id text not null primary key,
  request text not null,
  person text not null,
  kid text not null,
  envelope text not null,
  at integer not null,
  until integer not null,
  entry_seq integer not null unique
) strict, without rowid;

create index request_approval_request on request_approval (request);
