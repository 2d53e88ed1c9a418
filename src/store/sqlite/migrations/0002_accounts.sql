-- What administrators write: customers, budgets and keys, each with the id of the command that wrote it last.

alter table customers rename column created_by to revision;
alter table customers add column models text not null default '[]';
alter table customers add column allowed_region text;
alter table customers add column default_model text;

-- Who has a budget must be known before it is deleted.
create index customers_budget on customers (budget_id) where budget_id is not null;

alter table budgets add column period text;
alter table budgets add column owner_scope text;
alter table budgets add column owner_id text;
alter table budgets add column updated_at integer not null default 0;
alter table budgets add column revision text not null default '';

-- Until now every budget was made for the one customer that has it.
update budgets set
  updated_at = created_at,
  owner_scope = 'customer',
  owner_id = (select customers.id from customers where customers.budget_id = budgets.id),
  period = (
    select json_extract(value, '$.period') from json_each(budgets.limits)
    where json_extract(value, '$.meter') = 'usd' limit 1
  );

-- Nothing could make a key until now.
drop table keys;
create table keys (
  hash text not null primary key,
  secret_hash text not null,
  name text not null,
  alias text,
  role text not null,
  customer_mode text not null,
  customer_value text,
  blocked integer not null,
  expires_at integer,
  models text not null,
  budget_id text,
  customer_budget_id text,
  team_id text,
  user_id text,
  metadata text not null,
  created_at integer not null,
  updated_at integer not null,
  revision text not null
) strict, without rowid;

create unique index keys_secret on keys (secret_hash);
create unique index keys_alias on keys (alias) where alias is not null;

-- Reports of one customer or of one key, whatever the rest of the table holds.
create index rollups_customer on rollups (customer, hour);
create index rollups_key on rollups (key_hash, hour);
