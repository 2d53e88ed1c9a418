-- What happened, as a log that is only added to; who is told of it; and how far that has come.

-- The most that `used` ever was, and what else was told of the window: both keep an event from being written twice.
alter table counters add column peak bigint not null default 0;
alter table counters add column told bigint not null default 0;
update counters set peak = used where used > 0;

-- Percent of its money limits that are told when they are reached; null for what everybody gets.
alter table budgets add column thresholds text;

-- A place is never given twice, even after all rows were forgotten, because readers go on from the last one.
create table events (
  seq bigint generated always as identity primary key,
  id text collate "C" not null unique,
  type text not null,
  at bigint not null,
  customer text,
  data text not null
);

create index events_at on events (at);

insert into events (id, type, at, customer, data)
select id, type, at, customer,
  case type
    when 'customer.spend_tracked' then replace(data, '"spend":', '"charge":')
    else replace(replace(data, '"spend":', '"used":'), '"maxBudget":', '"limit":')
  end
from outbox where delivered_at is null order by seq;

drop table outbox;

-- Secrets are sealed with a key that is not in the database.
create table endpoints (
  id text collate "C" not null primary key,
  url text not null,
  description text not null,
  types text,
  customers text,
  batch bigint not null,
  secrets text not null,
  created_at bigint not null,
  after_seq bigint not null,
  disabled_at bigint,
  disabled_because text,
  failing_since bigint
);

-- An event on its way to an endpoint. `due_at` is null once that has ended.
create table deliveries (
  endpoint text collate "C" not null,
  seq bigint not null,
  event_id text not null,
  type text not null,
  customer text,
  created_at bigint not null,
  state text not null,
  due_at bigint,
  attempts bigint not null,
  log text not null,
  batch text,
  kept_until bigint not null,
  primary key (endpoint, seq)
);

create index deliveries_due on deliveries (endpoint, due_at, seq) where due_at is not null;
create index deliveries_failed on deliveries (endpoint, seq) where state = 'failed';
create index deliveries_kept on deliveries (kept_until);

-- How far each reader of a log has come, and what it has passed on.
create table readers (
  name text collate "C" not null primary key,
  seq bigint not null,
  rows bigint not null,
  charge bigint not null
);

create table leases (
  name text collate "C" not null primary key,
  holder text not null,
  until bigint not null
);

-- Postings that a billing system would not take, until they are sent again.
create table export_rejections (
  export text collate "C" not null,
  seq bigint not null,
  posting text not null,
  customer text not null,
  at bigint not null,
  charge bigint not null,
  status bigint not null,
  error text not null,
  primary key (export, seq)
);
