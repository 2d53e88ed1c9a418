-- The ledger. Money is an 8-byte integer of nano-dollars, time is epoch milliseconds, JSON is text in which amounts
-- are strings of digits. PostgreSQL's file of the same name makes the same tables.

create table customers (
  id text not null primary key,
  alias text,
  blocked integer not null,
  budget_id text,
  created_at integer not null,
  created_by text not null
) strict, without rowid;

create table budgets (
  id text not null primary key,
  limits text not null,
  enforcement text not null,
  created_at integer not null
) strict, without rowid;

-- A credential, by the hash of its secret.
create table keys (
  hash text not null primary key,
  alias text,
  blocked integer not null,
  expires_at integer,
  budget_id text,
  customer_budget_id text,
  version integer not null
) strict, without rowid;

-- The window is part of the identity: a new one begins at 0 because its row is not there yet.
create table counters (
  scope text not null,
  scope_id text not null,
  meter text not null,
  model text not null,
  window_start integer not null,
  window_end integer not null,
  used integer not null,
  held integer not null,
  primary key (scope, scope_id, meter, model, window_start, window_end)
) strict, without rowid;

-- Calls in flight. A row leaves in the transaction that writes the posting of its id.
create table holds (
  id text not null primary key,
  at integer not null,
  instance text not null,
  customer text,
  key_hash text not null,
  facts text not null,
  ceiling integer not null,
  input_ceiling integer not null,
  output_tokens integer not null,
  priced integer not null,
  bounded integer not null,
  moves text not null
) strict, without rowid;

create table postings (
  seq integer primary key,
  id text not null unique,
  kind text not null,
  at integer not null,
  customer text,
  key_hash text not null,
  facts text not null,
  usage text not null,
  source text not null,
  cost integer not null,
  charge integer not null,
  rates text,
  note text,
  moves text not null
) strict;

create index postings_customer on postings (customer, seq);
create index postings_at on postings (at);

-- Hours of postings, so that reports need not read them. The empty customer stands for none.
create table rollups (
  hour integer not null,
  customer text not null,
  key_hash text not null,
  model text not null,
  provider text not null,
  route text not null,
  calls integer not null,
  failures integer not null,
  input_tokens integer not null,
  cache_read_tokens integer not null,
  cache_write_5m_tokens integer not null,
  cache_write_1h_tokens integer not null,
  input_audio_tokens integer not null,
  output_tokens integer not null,
  output_audio_tokens integer not null,
  cost integer not null,
  charge integer not null,
  primary key (hour, customer, key_hash, model, provider, route)
) strict, without rowid;

create table outbox (
  seq integer primary key,
  id text not null unique,
  type text not null,
  at integer not null,
  customer text,
  data text not null,
  attempts integer not null default 0,
  due_at integer not null,
  delivered_at integer,
  last_error text
) strict;

create index outbox_undelivered on outbox (due_at, seq) where delivered_at is null;
create index outbox_delivered on outbox (delivered_at) where delivered_at is not null;

create table instances (
  id text not null primary key,
  seen_at integer not null
) strict, without rowid;
