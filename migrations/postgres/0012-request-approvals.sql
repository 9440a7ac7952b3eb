-- Requests of guests that wait for people, and what people said to them. An approval that a counter has counted is used up; rows are
-- forgotten an hour after they were asked for or signed.
-- The runner wraps this file in one transaction and records it in schema_migration; no begin or commit here.

create table waiting_request (
  request text collate "C" primary key,
  resource text collate "C" not null,
  op text collate "C" not null,
  report text collate "C" not null,
  channel text collate "C" not null,
  since bigint not null,
  at bigint not null,
  until bigint not null,
  source text collate "C" not null,
  decision text collate "C" not null,
  seconds bigint not null
);

create index waiting_request_resource on waiting_request (resource);

create index waiting_request_source on waiting_request (source);

create table request_approval (
  id text collate "C" primary key,
  request text collate "C" not null,
  person text collate "C" not null,
  kid text collate "C" not null,
  envelope text collate "C" not null,
  at bigint not null,
  until bigint not null,
  entry_seq bigint not null unique
);

create index request_approval_request on request_approval (request);
