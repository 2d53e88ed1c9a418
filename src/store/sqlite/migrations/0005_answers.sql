-- Answers by Idempotency-Key, for whoever asks again; `answer` is null while the call is in flight.
create table answers (
  caller text not null,
  name text not null,
  request text not null,
  call text not null,
  claimed_at integer not null,
  answer text,
  primary key (caller, name)
) strict, without rowid;

create index answers_by_age on answers (claimed_at);
