package book_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/catalogue"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// small is a catalogue with cases that are hard for search.
func small() *catalogue.Catalogue {
	return &catalogue.Catalogue{
		Subjects: []catalogue.Subject{{Slug: "love", Name: "Love"}, {Slug: "sea", Name: "The sea"}, {Slug: "crime", Name: "Crime"}},
		Authors: []catalogue.Author{
			{Slug: "homer", Name: "Homer", SortName: "Homer"},
			{Slug: "austen", Name: "Jane Austen", SortName: "Austen, Jane", Born: 1775, Died: 1817},
			{Slug: "c-bronte", Name: "Charlotte Brontë", SortName: "Brontë, Charlotte", Born: 1816, Died: 1855},
			{Slug: "e-bronte", Name: "Emily Brontë", SortName: "Brontë, Emily", Born: 1818, Died: 1848},
			{Slug: "dostoevsky", Name: "Fyodor Dostoevsky", SortName: "Dostoevsky, Fyodor", Born: 1821, Died: 1881},
			{Slug: "marx", Name: "Karl Marx", SortName: "Marx, Karl", Born: 1818, Died: 1883},
			{Slug: "engels", Name: "Friedrich Engels", SortName: "Engels, Friedrich", Born: 1820, Died: 1895},
			{Slug: "melville", Name: "Herman Melville", SortName: "Melville, Herman", Born: 1819, Died: 1891},
			{Slug: "hugo", Name: "Victor Hugo", SortName: "Hugo, Victor", Born: 1802, Died: 1885},
			{Slug: "wells", Name: "H. G. Wells", SortName: "Wells, H. G.", Born: 1866, Died: 1946},
			{Slug: "doyle", Name: "Arthur Conan Doyle", SortName: "Doyle, Arthur Conan", Born: 1859, Died: 1930},
			{Slug: "hardy", Name: "Thomas Hardy", SortName: "Hardy, Thomas", Born: 1840, Died: 1928},
		},
		Books: []catalogue.Book{
			{Slug: "odyssey", Title: "The Odyssey", OriginalTitle: "Ὀδύσσεια", Authors: []string{"homer"}, Year: -700, Subjects: []string{"sea"}},
			{Slug: "emma", Title: "Emma", Authors: []string{"austen"}, Year: 1815, Subjects: []string{"love"}, About: "A matchmaker meets her match."},
			{Slug: "emma-2", Title: "Emma’s Sea Voyage", Authors: []string{"wells"}, Year: 1901, Subjects: []string{"sea"}},
			{Slug: "pride", Title: "Pride and Prejudice", Authors: []string{"austen"}, Year: 1813, Subjects: []string{"love"}},
			{Slug: "jane-eyre", Title: "Jane Eyre", Authors: []string{"c-bronte"}, Year: 1847, Subjects: []string{"love"}},
			{Slug: "wuthering", Title: "Wuthering Heights", Authors: []string{"e-bronte"}, Year: 1847, Subjects: []string{"love"}},
			{Slug: "karamazov", Title: "The Brothers Karamazov", OriginalTitle: "Братья Карамазовы", Authors: []string{"dostoevsky"}, Year: 1880, Subjects: []string{"crime"}},
			{Slug: "punishment", Title: "Crime and Punishment", Authors: []string{"dostoevsky"}, Year: 1866, Subjects: []string{"crime"}},
			{Slug: "manifesto", Title: "The Communist Manifesto", Authors: []string{"marx", "engels"}, Year: 1848},
			{Slug: "moby-dick", Title: "Moby-Dick; or, The Whale", Authors: []string{"melville"}, Year: 1851, Subjects: []string{"sea"}},
			{Slug: "miserables", Title: "Les Misérables", Authors: []string{"hugo"}, Year: 1862},
			{Slug: "time-machine", Title: "The Time Machine", Authors: []string{"wells"}, Year: 1895},
			{Slug: "worlds", Title: "The War of the Worlds", Authors: []string{"wells"}, Year: 1898},
			{Slug: "hound", Title: "The Hound of the Baskervilles", Authors: []string{"doyle"}, Year: 1902, Subjects: []string{"crime"}, Series: "Sherlock Holmes", Volume: "3"},
			{Slug: "tess", Title: "Tess of the d’Urbervilles", Authors: []string{"hardy"}, Year: 1891, Subjects: []string{"love", "crime"}},
		},
	}
}

// newReader inserts a reader and returns the id.
func newReader(t testing.TB, db store.DBTX) int64 {
	t.Helper()
	var id int64
	email := fmt.Sprintf("%s@example.com", rand.Text())
	err := db.QueryRow(t.Context(), "insert into reader (email, email_key, name, password_hash) values ($1, lower($1), 'Odo', '') returning id", email).Scan(&id)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// newBook inserts a book without author and returns the id.
func newBook(t testing.TB, db store.DBTX, title string) int64 {
	t.Helper()
	var id int64
	if err := db.QueryRow(t.Context(), "insert into book (title) values ($1) returning id", title).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// scan returns the only value of a query.
func scan[T any](t testing.TB, db store.DBTX, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := db.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func inTx(ctx context.Context, db interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}, f func(tx pgx.Tx) error,
) error {
	return pgx.BeginFunc(ctx, db, f)
}
