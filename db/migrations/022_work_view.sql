-- Saved views of the list of jobs: a search under a name.

create table work.view (
    id         bigint generated always as identity primary key,
    owner      text not null,
    name       text not null check (length(name) between 1 and 100),
    search     text not null check (octet_length(search) <= 2048),
    columns    text[] not null default '{}' check (cardinality(columns) <= 50),
    shared     boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (owner, name)
);
comment on table work.view is 'Saved views of the list of jobs.';
comment on column work.view.owner is 'Who saved it, as in work.audit.who.';
comment on column work.view.search is 'A search in the language of backlist jobs list.';
comment on column work.view.columns is 'The columns of jobs.job to show; empty means the usual ones.';
comment on column work.view.shared is 'Everybody sees it; otherwise only its owner does.';
comment on column work.view.created_at is 'When it was first saved.';
comment on column work.view.updated_at is 'When it was last saved.';
