-- Imports: the lists of books that readers upload. See internal/importer.

create table import (
    id          bigint generated always as identity primary key,
    reader_id   bigint not null references reader on delete cascade,
    file_name   text not null,
    format      text not null,
    notes       text[] not null default '{}',
    rows        int not null default 0,
    steps       int not null default 0,
    doing       text not null default '',
    counts      jsonb not null default '{}',
    created_at  timestamptz not null default now(),
    moved_at    timestamptz not null default now(),
    ended_at    timestamptz,
    stopped     boolean not null default false,
    undone_at   timestamptz
);
comment on table import is 'A file that a reader imports. Its job is import_books.';
comment on column import.notes is 'Sentences about the file as a whole.';
comment on column import.rows is 'The number of its rows.';
comment on column import.steps is 'How far it is: each row is first matched and then written, which are two steps.';
comment on column import.doing is 'The title at which it is.';
comment on column import.counts is 'The number of rows by outcome, as it was when the import last changed; import_row is deleted after a day.';
comment on column import.moved_at is 'When it last came forward.';
comment on column import.stopped is 'The reader stopped it.';
comment on column import.undone_at is 'When the reader took it back.';
-- A reader imports one file at a time.
create unique index import_one on import (reader_id) where ended_at is null;
create index import_reader on import (reader_id, id desc);

create table import_row (
    import_id  bigint not null references import on delete cascade,
    n          int not null,
    line       int not null,
    title      text not null,
    series     text not null default '',
    volume     text not null default '',
    authors    text[] not null default '{}',
    isbn       text not null default '',
    goodreads  text not null default '',
    year       smallint,
    stars      smallint,
    shelf      text,
    rated_at   timestamptz,
    shelved_at timestamptz,
    outcome    text not null default 'waiting'
        check (outcome in ('waiting', 'added', 'changed', 'same', 'merged', 'kept', 'unclear', 'skipped', 'failed')),
    reason     text not null default '',
    book_id    bigint references book on delete set null,
    created    boolean not null default false,
    candidates bigint[] not null default '{}',
    before     jsonb,
    primary key (import_id, n)
);
comment on table import_row is 'The rows of imports, for a day.';
comment on column import_row.n is 'From 1, in the order of the file.';
comment on column import_row.line is 'Where in the file the row begins.';
comment on column import_row.outcome is 'waiting: not yet imported; added, changed, same: what it did to the book''s rating and shelf; merged: an earlier row is the same book; '
    'kept: the reader has changed the book on the site, which counts more; unclear: the reader decides which book it is; skipped: the reader left it out; failed: it cannot be imported.';
comment on column import_row.reason is 'Sentences for the reader.';
comment on column import_row.created is 'The row brought the book to the site.';
comment on column import_row.candidates is 'The books of which an unclear row may be one.';
comment on column import_row.before is 'What the reader said about the book before this row changed it, to undo it.';
create index import_row_book on import_row (book_id) where book_id is not null;
create index import_row_outcome on import_row (import_id, outcome, n);

create table imported (
    reader_id bigint not null references reader on delete cascade,
    book_id   bigint not null references book on delete cascade,
    stars     smallint,
    shelf     text,
    primary key (reader_id, book_id)
);
comment on table imported is 'What the last import wrote or found of a reader''s opinion. Where the site has another value now, the reader has changed it since.';
create index imported_book on imported (book_id);

comment on column author.key is 'The catalogue''s slug, or the folded name, with hyphens, of an author whom an import brought.';
