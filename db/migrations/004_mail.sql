-- Mail: one row a message, which decides whether it is sent. See internal/mail.

create table message (
    id         bigint generated always as identity primary key,
    reader_id  bigint not null references reader on delete cascade,
    kind       text not null,
    key        text not null unique, -- what makes it the same message: "welcome:42", "ready:42:2026-11-23"
    message_id text not null unique, -- of the mail header, made from the key: a second delivery could be recognised
    subject_id bigint, -- what it is about, as its kind says (a password_reset)
    to_address text not null,
    state      text not null default 'queued' check (state in ('queued', 'sending', 'sent', 'failed', 'unconfirmed')),
    transport  text not null default '' check (transport in ('', 'smtp', 'mailbox')), -- mailbox: no mail server is configured
    subject    text not null default '',
    body_text  text not null default '', -- as sent, but for secret links
    error      text not null default '', -- the server's last word
    created_at timestamptz not null default now(),
    sending_at timestamptz,
    sent_at    timestamptz,
    read_at    timestamptz -- in the mailbox
);
create index message_reader_id on message (reader_id, id desc);
create index message_unfinished on message (state) where state in ('queued', 'sending', 'unconfirmed');

-- Addresses that refused for good, so that nothing is sent there again until the reader changes or confirms it.
create table suppression (
    address_key text primary key,
    reason      text not null,
    created_at  timestamptz not null default now()
);
