-- The ledger. Money is an 8-byte integer of nano-dollars, time is epoch milliseconds, JSON is text in which amounts
-- are strings of digits. SQLite's file of the same name makes the same tables. Columns that are looked up compare bytes:
-- it is faster, and an index does not break when the system's rules of collation change.

create table customers (
  id text collate "C" not null primary key,
  alias text,
  blocked boolean not null,
  budget_id text,
  created_at bigint not null,
  created_by text not null
);

create table budgets (
  id text collate "C" not null primary key,
  limits text not null,
  enforcement text not null,
  created_at bigint not null
);

-- A credential, by the hash of its secret.
create table keys (
  hash text collate "C" not null primary key,
  alias text,
  blocked boolean not null,
  expires_at bigint,
  budget_id text,
  customer_budget_id text,
  version bigint not null
);

-- The window is part of the identity: a new one begins at 0 because its row is not there yet.
create table counters (
  scope text collate "C" not null,
  scope_id text collate "C" not null,
  meter text collate "C" not null,
  model text collate "C" not null,
  window_start bigint not null,
  window_end bigint not null,
  used bigint not null,
  held bigint not null,
  primary key (scope, scope_id, meter, model, window_start, window_end)
)
-- Room to update a row within its page, which spares the index.
with (fillfactor = 70);

-- Calls in flight. A row leaves in the transaction that writes the posting of its id.
create table holds (
  id text collate "C" not null primary key,
  at bigint not null,
  instance text not null,
  customer text,
  key_hash text not null,
  facts text not null,
  ceiling bigint not null,
  input_ceiling bigint not null,
  output_tokens bigint not null,
  priced boolean not null,
  bounded boolean not null,
  moves text not null
);

create table postings (
  seq bigint generated always as identity primary key,
  id text collate "C" not null unique,
  kind text not null,
  at bigint not null,
  customer text collate "C",
  key_hash text collate "C" not null,
  facts text not null,
  usage text not null,
  source text not null,
  cost bigint not null,
  charge bigint not null,
  rates text,
  note text,
  moves text not null
);

create index postings_customer on postings (customer, seq);
create index postings_at on postings (at);

-- Hours of postings, so that reports need not read them. The empty customer stands for none.
create table rollups (
  hour bigint not null,
  customer text collate "C" not null,
  key_hash text collate "C" not null,
  model text collate "C" not null,
  provider text collate "C" not null,
  route text collate "C" not null,
  calls bigint not null,
  failures bigint not null,
  input_tokens bigint not null,
  cache_read_tokens bigint not null,
  cache_write_5m_tokens bigint not null,
  cache_write_1h_tokens bigint not null,
  input_audio_tokens bigint not null,
  output_tokens bigint not null,
  output_audio_tokens bigint not null,
  cost bigint not null,
  charge bigint not null,
  primary key (hour, customer, key_hash, model, provider, route)
)
with (fillfactor = 70);

create table outbox (
  seq bigint generated always as identity primary key,
  id text collate "C" not null unique,
  type text not null,
  at bigint not null,
  customer text,
  data text not null,
  attempts bigint not null default 0,
  due_at bigint not null,
  delivered_at bigint,
  last_error text
);

create index outbox_undelivered on outbox (due_at, seq) where delivered_at is null;
create index outbox_delivered on outbox (delivered_at) where delivered_at is not null;

create table instances (
  id text collate "C" not null primary key,
  seen_at bigint not null
);
