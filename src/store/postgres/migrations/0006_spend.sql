-- The postings of one customer or one key in a stretch of time, in order.

drop index postings_customer;
drop index postings_at;
create index postings_customer on postings (customer, at, seq);
create index postings_key on postings (key_hash, at, seq);
create index postings_at on postings (at, seq);

-- Whose keys an internal user's spend is.
create index keys_user_id on keys (user_id) where user_id is not null;
