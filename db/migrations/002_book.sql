-- The catalogue, how it is searched, and what readers say of it.

create table author (
    id        bigint generated always as identity primary key,
    key       text not null unique, -- the catalogue's slug, or the folded name of an author an import brought
    name      text not null,
    sort_name text not null,
    born      smallint, -- years; negative is BC
    died      smallint
);

create table book (
    id             bigint generated always as identity primary key,
    title          text not null check (char_length(title) between 1 and 500),
    original_title text not null default '',
    year           smallint, -- of first publication; negative is BC
    series         text not null default '',
    volume         text not null default '', -- text: "0.5" and "1-3" exist
    about          text not null default '',
    created_at     timestamptz not null default now()
);

create index book_series on book (series) where series <> '';

create table book_author (
    book_id   bigint not null references book on delete cascade,
    author_id bigint not null references author,
    position  smallint not null default 0, -- 0 is the first named
    primary key (book_id, author_id)
);
create index book_author_author_id on book_author (author_id);

-- What a book is known by outside: a work has many editions, so this is a table and not a column.
create table book_key (
    kind    text not null check (kind in ('catalogue', 'isbn10', 'isbn13', 'goodreads', 'openlibrary')),
    value   text not null,
    book_id bigint not null references book on delete cascade,
    primary key (kind, value)
);
create index book_key_book_id on book_key (book_id);

create table subject (
    key  text primary key,
    name text not null
);

create table book_subject (
    book_id bigint not null references book on delete cascade,
    subject text not null references subject,
    primary key (book_id, subject)
);
create index book_subject_subject on book_subject (subject, book_id);

-- Search: each folded word of a title, author, series or subject, and the book that has it. The highest weight wins.
create table book_word (
    word    text not null collate "C",
    book_id bigint not null references book on delete cascade,
    weight  smallint not null, -- 8 title, 6 author, 3 series, 2 subject
    primary key (word, book_id)
);
create index book_word_book_id on book_word (book_id);

-- Typos: each word with one letter (in long words also two) left out, so that a mistyped word meets it half-way.
create table word_variant (
    variant text not null collate "C",
    word    text not null collate "C",
    primary key (variant, word)
);

create table rating (
    reader_id bigint not null references reader on delete cascade,
    book_id   bigint not null references book on delete cascade,
    stars     smallint not null check (stars between 1 and 10), -- half stars: 7 is 3½
    rated_at  timestamptz not null default now(),
    primary key (reader_id, book_id)
);
create index rating_book_id on rating (book_id) include (stars);

-- Counts changes of ratings without a row that every request would have to lock; gaps do not matter.
create sequence rating_change as bigint;

create table shelving (
    reader_id  bigint not null references reader on delete cascade,
    book_id    bigint not null references book on delete cascade,
    status     text not null check (status in ('to-read', 'reading', 'read')),
    shelved_at timestamptz not null default now(),
    primary key (reader_id, book_id)
);
create index shelving_reader_status on shelving (reader_id, status, shelved_at desc);
create index shelving_book_id on shelving (book_id);
