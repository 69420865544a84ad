-- Readers, how they prove who they are, and how often they may try.

create table reader (
    id                 bigint generated always as identity primary key,
    email              text not null check (char_length(email) between 3 and 254),
    email_key          text not null unique, -- folded: one account an address, whatever its case
    name               text not null check (char_length(name) between 1 and 80),
    password_hash      text not null, -- argon2id, PHC string
    time_zone          text not null default 'UTC', -- IANA name
    role               text not null default 'reader' check (role in ('reader', 'viewer', 'operator')),
    mail_ready         boolean not null default true, -- wants "your recommendations are ready", at most one a day
    ratings_version    bigint not null default 0, -- rises with every change that recommendations depend on
    ratings_changed_at timestamptz, -- of that last change
    created_at         timestamptz not null default now()
);
comment on column reader.ratings_version is 'Rises with each rating, shelf or dismissal. A recommendation run notes the version that it read; a lower one is out of date.';

create table session (
    token_hash bytea primary key, -- sha-256 of the cookie, so that a leaked table opens nothing
    reader_id  bigint not null references reader on delete cascade,
    created_at timestamptz not null default now(),
    seen_at    timestamptz not null default now(), -- to the hour: a page view is not a write
    expires_at timestamptz not null
);
create index session_reader_id on session (reader_id);
create index session_expires_at on session (expires_at);

create table password_reset (
    id         bigint generated always as identity primary key,
    reader_id  bigint not null references reader on delete cascade,
    token_hash bytea unique, -- null until the mail is being sent: only then is the link minted
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at    timestamptz
);
create index password_reset_reader_id on password_reset (reader_id);

-- A token bucket a key ("signin:address", "signin:account"). Unlogged: losing it in a crash only forgives.
create unlogged table rate_limit (
    key        text primary key,
    tokens     real not null,
    updated_at timestamptz not null default now()
);
create index rate_limit_updated_at on rate_limit (updated_at);

-- One row: the address that this site is reached by, learnt from its first visitor where BASE_URL is not set.
create table site (
    only_row   boolean primary key default true check (only_row),
    base_url   text not null,
    learnt_at  timestamptz not null default now()
);
