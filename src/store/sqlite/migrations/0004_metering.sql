-- Kinds of usage that are told apart since: tokens by what they carry, and units that are no tokens.

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
