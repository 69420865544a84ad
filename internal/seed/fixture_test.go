package seed_test

import (
	"crypto/rand"
	"testing"

	"github.com/backlist/backlist/internal/catalogue"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// small is a catalogue of a few books.
func small() *catalogue.Catalogue {
	return &catalogue.Catalogue{
		Subjects: []catalogue.Subject{{Slug: "love", Name: "Love"}, {Slug: "sea", Name: "The sea"}, {Slug: "crime", Name: "Crime"}},
		Authors: []catalogue.Author{
			{Slug: "homer", Name: "Homer", SortName: "Homer"},
			{Slug: "austen", Name: "Jane Austen", SortName: "Austen, Jane", Born: 1775, Died: 1817},
			{Slug: "c-bronte", Name: "Charlotte Brontë", SortName: "Brontë, Charlotte", Born: 1816, Died: 1855},
			{Slug: "hugo", Name: "Victor Hugo", SortName: "Hugo, Victor", Born: 1802, Died: 1885},
			{Slug: "wells", Name: "H. G. Wells", SortName: "Wells, H. G.", Born: 1866, Died: 1946},
			{Slug: "hardy", Name: "Thomas Hardy", SortName: "Hardy, Thomas", Born: 1840, Died: 1928},
		},
		Books: []catalogue.Book{
			{Slug: "odyssey", Title: "The Odyssey", OriginalTitle: "Ὀδύσσεια", Authors: []string{"homer"}, Year: -700, Subjects: []string{"sea"}},
			{Slug: "emma", Title: "Emma", Authors: []string{"austen"}, Year: 1815, Subjects: []string{"love"}, About: "A matchmaker meets her match."},
			{Slug: "emma-2", Title: "Emma’s Sea Voyage", Authors: []string{"wells"}, Year: 1901, Subjects: []string{"sea"}},
			{Slug: "pride", Title: "Pride and Prejudice", Authors: []string{"austen"}, Year: 1813, Subjects: []string{"love"}},
			{Slug: "jane-eyre", Title: "Jane Eyre", Authors: []string{"c-bronte"}, Year: 1847, Subjects: []string{"love"}},
			{Slug: "miserables", Title: "Les Misérables", Authors: []string{"hugo"}, Year: 1862},
			{Slug: "tess", Title: "Tess of the d’Urbervilles", Authors: []string{"hardy"}, Year: 1891, Subjects: []string{"love", "crime"}},
		},
	}
}

// newReader inserts a reader and returns the id.
func newReader(t testing.TB, db store.DBTX) int64 {
	t.Helper()
	return scan[int64](t, db, `insert into reader (email, email_key, name, password_hash)
		values ($1, lower($1), 'Odo', '') returning id`, rand.Text()+"@example.com")
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
