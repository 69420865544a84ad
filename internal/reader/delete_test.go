package reader

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestDelete(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	if _, err := StartSession(ctx, b.tx, b.odo.ID); err != nil {
		t.Fatal(err)
	}
	b.request(t)
	var book int64
	if err := b.tx.QueryRow(ctx, "insert into book (title) values ('A book') returning id").Scan(&book); err != nil {
		t.Fatal(err)
	}
	b.exec(t, "insert into rating (reader_id, book_id, stars) values ($1, $2, 7)", b.odo.ID, book)
	b.exec(t, "insert into shelving (reader_id, book_id, status) values ($1, $2, 'read')", b.odo.ID, book)
	b.exec(t, "insert into dismissal (reader_id, book_id) values ($1, $2)", b.odo.ID, book)
	b.exec(t, "insert into recommendation_run (reader_id, ratings_version, basis, ratings) values ($1, 1, 'popular', 1)", b.odo.ID)
	b.exec(t, "insert into recommendation (reader_id, book_id, rank, score) values ($1, $2, 1, 1)", b.odo.ID, book)
	b.exec(t, "insert into lab_run (id, experiment, reader_id, started_by) values ('a', 'inline', $1, 'Odo')", b.odo.ID)
	b.exec(t, "insert into import (reader_id, file_name, format) values ($1, 'books.csv', 'CSV')", b.odo.ID)
	b.exec(t, "insert into imported (reader_id, book_id, stars) values ($1, $2, 7)", b.odo.ID, book)
	if _, err := AddOperator(ctx, b.tx, b.odo.Email, RoleOperator, "a test"); err != nil {
		t.Fatal(err)
	}
	if got, err := DeletionSummary(ctx, b.tx, b.odo.ID); err != nil || got != (Summary{Ratings: 1, Shelved: 1, Messages: 2, LastOperator: true}) {
		t.Errorf("%+v, %v", got, err)
	}

	rows, err := b.tx.Query(ctx, `select c.table_name from information_schema.columns c
		join information_schema.tables t using (table_schema, table_name)
		where c.table_schema = 'public' and c.column_name = 'reader_id' and t.table_type = 'BASE TABLE'`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	left := func(table string) int {
		return b.count(t, "select count(*) from "+pgx.Identifier{table}.Sanitize()+" where reader_id = $1", b.odo.ID)
	}
	for _, table := range tables {
		if left(table) == 0 {
			t.Errorf("this test inserts no row into %s, so it cannot check that it is deleted", table)
		}
	}
	if err := Delete(ctx, b.tx, b.odo.ID); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if n := left(table); n != 0 {
			t.Errorf("%d rows remain in %s", n, table)
		}
	}
	if _, err := ByEmail(ctx, b.tx, b.odo.Email); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("the account remains: %v", err)
	}
	if _, err := DeletionSummary(ctx, b.tx, b.odo.ID); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("summary of a deleted account: %v", err)
	}
	if err := Delete(ctx, b.tx, b.odo.ID); err != nil {
		t.Errorf("deleting twice: %v", err)
	}
}
