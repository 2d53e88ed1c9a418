-- The postings of one customer or one key in a stretch of time, in order. A row's number is the last part of any index.

drop index postings_customer;
create index postings_customer on postings (customer, at);
create index postings_key on postings (key_hash, at);

-- Whose keys an internal user's spend is.
create index keys_user_id on keys (user_id) where user_id is not null;
