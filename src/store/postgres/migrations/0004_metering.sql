-- Kinds of usage that are told apart since: tokens by what they carry, and units that are no tokens.

alter table rollups add column cache_read_audio_tokens bigint not null default 0;
alter table rollups add column input_image_tokens bigint not null default 0;
alter table rollups add column reasoning_tokens bigint not null default 0;
alter table rollups add column output_image_tokens bigint not null default 0;
alter table rollups add column images bigint not null default 0;
alter table rollups add column seconds bigint not null default 0;
alter table rollups add column characters bigint not null default 0;
alter table rollups add column pages bigint not null default 0;
alter table rollups add column searches bigint not null default 0;
alter table rollups add column file_searches bigint not null default 0;
