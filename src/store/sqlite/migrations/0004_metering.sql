-- How a cost came about, what customers are charged above it, and kinds of usage that are told apart since.

alter table rollups add column cache_read_audio_tokens integer not null default 0;
alter table rollups add column input_image_tokens integer not null default 0;
alter table rollups add column reasoning_tokens integer not null default 0;
alter table rollups add column output_image_tokens integer not null default 0;
alter table rollups add column images integer not null default 0;
alter table rollups add column seconds integer not null default 0;
alter table rollups add column characters integer not null default 0;
alter table rollups add column pages integer not null default 0;
alter table rollups add column searches integer not null default 0;
alter table rollups add column file_searches integer not null default 0;

alter table customers add column markup text;
alter table budgets add column markup text;
alter table holds add column markup text;

alter table postings add column markup text;
alter table postings add column pricing text;
alter table postings add column unpriced text;
alter table postings add column corrects text;

-- What waits for a price, and what has been done about a posting, whatever the rest of the table holds.
create index postings_unpriced on postings (seq) where unpriced is not null;
create index postings_corrects on postings (corrects) where corrects is not null;

-- Until now every correction of a call was that of a settle that came late.
update postings set corrects = substr(id, 1, length(id) - 5) where kind = 'adjusted' and id like '%:late';
