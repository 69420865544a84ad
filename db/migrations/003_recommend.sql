-- Which books resemble which, and what each reader is recommended.

-- neighbour_id is one of the K books most like book_id. Written as a whole by rebuild_neighbours.
create table neighbour (
    book_id      bigint not null references book on delete cascade,
    neighbour_id bigint not null references book on delete cascade,
    similarity   real not null,
    primary key (book_id, neighbour_id)
);
-- Serving asks the other way round: for which candidates is a book that I rated a neighbour?
create index neighbour_neighbour_id on neighbour (neighbour_id) include (book_id, similarity);

-- What everybody likes: for readers of whom too little is known. Written as a whole with neighbour.
create table popularity (
    book_id bigint primary key references book on delete cascade,
    readers int not null,
    score   real not null -- mean stars drawn towards the site's mean, times readers' logarithm
);
create index popularity_score on popularity (score desc, book_id);

-- The builds, newest last: how much was known then, and the change count that it saw.
create table neighbour_build (
    id            bigint generated always as identity primary key,
    built_at      timestamptz not null default now(),
    readers       int not null,
    ratings       int not null,
    pairs         int not null,
    rating_change bigint not null, -- rating_change when it began
    took          interval not null
);

create table dismissal (
    reader_id    bigint not null references reader on delete cascade,
    book_id      bigint not null references book on delete cascade,
    dismissed_at timestamptz not null default now(),
    primary key (reader_id, book_id)
);
create index dismissal_book_id on dismissal (book_id);

create table recommendation_run (
    reader_id       bigint primary key references reader on delete cascade,
    ratings_version bigint not null, -- of the reader, as this run read it
    basis           text not null check (basis in ('neighbours', 'popular')),
    ratings         int not null,
    made_at         timestamptz not null default now()
);

create table recommendation (
    reader_id bigint not null references reader on delete cascade,
    book_id   bigint not null references book on delete cascade,
    rank      smallint not null, -- 1 first
    score     real not null,
    because   bigint[] not null default '{}', -- books the reader liked, the weightiest first
    primary key (reader_id, book_id)
);
create index recommendation_rank on recommendation (reader_id, rank);
create index recommendation_book_id on recommendation (book_id);
