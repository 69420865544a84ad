package book_test

import (
	"slices"
	"testing"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/testdb"
)

// manyBooks makes 25,000 books. All have the word tale; every third has the word sea, and those divisible by 25 the word amber. A word
// is in the title of some and only among the subjects of others. Readers have rated the first 15,000.
const manyBooks = `
	insert into book (title) select 'Tale ' || n from generate_series(1, 25000) n;
	create temporary table n on commit drop as select id, row_number() over (order by id)::int as n from book;
	insert into book_word (word, book_id, weight)
		select 'tale', id, case n % 7 when 0 then 8 else 2 end from n
		union all select 'sea', id, case n % 5 when 0 then 8 else 3 end from n where n % 3 = 0
		union all select 'amber', id, 6 from n where n % 25 = 0
		union all select 'talent', id, 8 from n where n % 1000 = 1
		union all select '=tale', id, 0 from n where n in (24000, 14000);
	insert into subject (key, name) values ('odd', 'Odd');
	insert into book_subject select id, 'odd' from n where n % 2 = 1;
	insert into popularity (book_id, readers, score) select id, 1, (n * 7919 % 15013) / 1000.0 from n where n <= 15000;
	analyze book, book_word, popularity, book_subject`

// expected returns the ids that a search should list: books with the title first, then by weight, among the 480 most popular that have
// all words.
const expected = `
	with word as (select w, ordinality from unnest($1::text[]) with ordinality as u (w, ordinality)),
	found as (
		select b.book_id, sum(b.weight) as weight from (
			select w.book_id, word.w, max(w.weight * case when w.word = word.w then 6 else 4 end) as weight
			from word join book_word w on w.word = word.w or w.word like word.w || '%' group by w.book_id, word.w) b
		where $3 = '' or exists (select from book_subject s where s.book_id = b.book_id and s.subject = $3)
		group by b.book_id having count(*) = cardinality($1::text[])
	), likely as (
		select f.*, coalesce(p.score, -1) as score,
			exists (select from book_word t where t.book_id = f.book_id and t.word = '=' || array_to_string($1::text[], ' ')) as titled
		from found f left join popularity p using (book_id)
	), best as (select * from likely order by titled desc, score desc, book_id limit 480)
	select array(select book_id from best order by titled desc, weight desc, score desc, book_id offset $2 limit 24), (select count(*) from found)`

// TestSearchOfManyBooks: the books of frequent words are those that a search of all words would list, in the same order, whether or not
// the words of popular books are known.
func TestSearchOfManyBooks(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	if _, err := tx.Exec(t.Context(), manyBooks); err != nil {
		t.Fatal(err)
	}
	check := func(known bool) {
		t.Helper()
		for _, q := range []struct {
			book.Query
			words []string
			more  bool // there are more than can be ranked among popular books
		}{
			{book.Query{Text: "tale"}, []string{"tale"}, true},
			{book.Query{Text: "tale", Page: 20}, []string{"tale"}, true},
			{book.Query{Text: "tale", Subject: "odd"}, []string{"tale"}, true},
			{book.Query{Text: "sea tale", Page: 2}, []string{"sea", "tale"}, true},
			{book.Query{Text: "tale amber"}, []string{"tale", "amber"}, true},
			{book.Query{Text: "amber", Page: 3}, []string{"amber"}, true},
			{book.Query{Text: "amber sea tale", Subject: "odd"}, []string{"amber", "sea", "tale"}, false},
			{book.Query{Text: "talent"}, []string{"talent"}, false},
			{book.Query{Text: "talent sea"}, []string{"talent", "sea"}, false},
		} {
			got, err := book.Search(t.Context(), tx, q.Query)
			if err != nil {
				t.Fatal(err)
			}
			var want, ids []int64
			var total int
			if err := tx.QueryRow(t.Context(), expected, q.words, 24*(max(q.Page, 1)-1), q.Subject).Scan(&want, &total); err != nil {
				t.Fatal(err)
			}
			for _, b := range got.Books {
				ids = append(ids, b.ID)
			}
			if !slices.Equal(ids, want) {
				t.Errorf("%+v, popular words known: %v: found %v, want %v", q.Query, known, ids, want)
			}
			if q.more && known {
				total = 480
			}
			if got.Total != total || got.More != (q.more && known) || got.Pages != min(20, (total+23)/24) {
				t.Errorf("%+v, popular words known: %v: %d books, more %v, %d pages; there are %d", q.Query, known, got.Total, got.More, got.Pages, total)
			}
		}
	}
	check(false)
	for range 2 { // the second time nothing changes
		if err := store.New().RecommendPopularWords(t.Context(), tx); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), "analyze popular_word"); err != nil {
			t.Fatal(err)
		}
	}
	check(true)
	tiers := scan[string](t, tx, `select string_agg(tier || ': ' || books, ', ' order by tier desc)
		from (select tier, count(distinct book_id) as books from popular_word group by tier) t`)
	if want := "7: 1000, 6: 1000, 5: 2000, 4: 4000, 3: 7000"; tiers != want {
		t.Errorf("tiers %s, want %s", tiers, want)
	}
	partial, err := book.Search(t.Context(), tx, book.Query{Text: "tale amber qqqqq"})
	if err != nil || !partial.Partial || partial.Total != 1000 {
		t.Errorf("most of the words: %d books, partial %v, %v", partial.Total, partial.Partial, err)
	}
	// The number of all books is an estimate, and the pages of the list reach the last one.
	all, err := book.Search(t.Context(), tx, book.Query{Page: 1 << 20})
	if err != nil || all.Total != 25000 || all.Page != 1042 || len(all.Books) != 25000%24 {
		t.Errorf("the last page: %d of %d with %d books of %d, %v", all.Page, all.Pages, len(all.Books), all.Total, err)
	}
}

// TestPopularWordsFollow: a popular book is found by the words that it has now.
func TestPopularWordsFollow(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	id := newBook(t, tx, "Amber Sea")
	index := func() {
		if err := book.Index(t.Context(), tx, []int64{id}); err != nil {
			t.Fatal(err)
		}
	}
	words := func() string {
		return scan[string](t, tx, "select coalesce(string_agg(word || ' ' || weight, ', ' order by word), '') from popular_word where book_id = $1", id)
	}
	index()
	if _, err := tx.Exec(t.Context(), "insert into popularity values ($1, 1, 1)", id); err != nil {
		t.Fatal(err)
	}
	if err := store.New().RecommendPopularWords(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	before := words()
	if _, err := tx.Exec(t.Context(), "update book set title = 'Amber Lake', series = 'Sea' where id = $1", id); err != nil {
		t.Fatal(err)
	}
	index()
	after := words()
	if _, err := tx.Exec(t.Context(), "delete from popularity"); err != nil {
		t.Fatal(err)
	}
	if err := store.New().RecommendPopularWords(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	if left := words(); before != "amber 8, sea 8" || after != "amber 8, lake 8, sea 3" || left != "" {
		t.Errorf("%q, then %q, then %q", before, after, left)
	}
}
