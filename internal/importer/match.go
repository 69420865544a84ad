package importer

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/importer/listing"
	"github.com/backlist/backlist/internal/store"
)

// match finds the books of the waiting rows after one number, up to another, and adds those that are missing. It returns the title of
// the last row. Imports match one after the other, so that two do not add the same book.
func match(ctx context.Context, tx pgx.Tx, importID int64, after, upto int32) (string, error) {
	q := store.New()
	rows, err := q.ImportRows(ctx, tx, store.ImportRowsParams{ImportID: importID, After: after, Upto: upto})
	if err != nil {
		return "", fmt.Errorf("read the rows: %w", err)
	}
	if len(rows) == 0 {
		return "", nil
	}
	if err := q.CatalogueLock(ctx, tx); err != nil {
		return "", fmt.Errorf("wait for another import: %w", err)
	}
	m := &matcher{tx: tx, rows: rows}
	if err := m.find(ctx); err != nil {
		return "", err
	}
	if err := m.decide(ctx); err != nil {
		return "", err
	}
	if err := m.add(ctx); err != nil {
		return "", err
	}
	return rows[len(rows)-1].Title, m.settle(ctx, importID)
}

// matcher matches the rows of a step.
type matcher struct {
	tx       pgx.Tx
	rows     []store.ImportRow
	facts    []facts   // of the rows
	keyed    [][]facts // the books to which the numbers of each row belong
	titled   [][]facts // the books with titles like that of each row
	verdicts []verdict
	fresh    []int // the rows that bring a book
}

// keys returns the kinds and values of the numbers of a row.
func keys(r store.ImportRow) (kinds, values []string) {
	for _, k := range [][2]string{{"goodreads", r.Goodreads}, {"isbn13", r.Isbn}, {"isbn10", listing.ISBN10(r.Isbn)}} {
		if k[1] != "" {
			kinds, values = append(kinds, k[0]), append(values, k[1])
		}
	}
	return kinds, values
}

func rowFacts(r store.ImportRow) facts {
	year := 0
	if r.Year != nil {
		year = int(*r.Year)
	}
	return newFacts([]string{r.Title}, r.Authors, r.Series, r.Volume, year)
}

// find reads the books that each row may be.
func (m *matcher) find(ctx context.Context) error {
	q := store.New()
	var kinds, values []string
	var keyOf []int // the rows of the keys
	var titles store.ImportTitlesParams
	for i, r := range m.rows {
		f := rowFacts(r)
		m.facts = append(m.facts, f)
		k, v := keys(r)
		kinds, values = append(kinds, k...), append(values, v...)
		for range k {
			keyOf = append(keyOf, i)
		}
		surname := ""
		if len(f.authors) > 0 {
			surname = f.authors[0].surname
		}
		low := "=" + f.titles[0].short // the words of a title are followed by a space, which sorts before "!"
		titles.Lows, titles.Highs = append(titles.Lows, low), append(titles.Highs, low+"!")
		titles.Wholes, titles.Surnames = append(titles.Wholes, "="+f.titles[0].whole), append(titles.Surnames, surname)
	}
	byKey, err := q.ImportKeys(ctx, m.tx, kinds, values)
	if err != nil {
		return fmt.Errorf("look for numbers: %w", err)
	}
	byTitle, err := q.ImportTitles(ctx, m.tx, titles)
	if err != nil {
		return fmt.Errorf("look for titles: %w", err)
	}
	var ids []int64
	for _, k := range byKey {
		ids = append(ids, k.BookID)
	}
	for _, t := range byTitle {
		ids = append(ids, t.BookID)
	}
	books, err := factsOf(ctx, m.tx, ids)
	if err != nil {
		return err
	}
	m.keyed, m.titled = make([][]facts, len(m.rows)), make([][]facts, len(m.rows))
	for _, k := range byKey {
		i := keyOf[k.Place-1]
		m.keyed[i] = append(m.keyed[i], books[k.BookID])
	}
	for _, t := range byTitle {
		m.titled[t.Place-1] = append(m.titled[t.Place-1], books[t.BookID])
	}
	return nil
}

// factsOf returns the facts of books by their ids.
func factsOf(ctx context.Context, tx pgx.Tx, ids []int64) (map[int64]facts, error) {
	books, err := store.New().ImportCandidates(ctx, tx, ids)
	if err != nil {
		return nil, fmt.Errorf("load books: %w", err)
	}
	all := make(map[int64]facts, len(books))
	for _, b := range books {
		f := newFacts([]string{b.Title, b.OriginalTitle}, b.Authors, b.Series, b.Volume, int(b.Year))
		f.id = b.ID
		all[b.ID] = f
	}
	return all, nil
}

// decide finds the verdict of each row. A row that has no book here is then compared with the new books of earlier rows.
func (m *matcher) decide(ctx context.Context) error {
	var open []int
	for i, f := range m.facts {
		v := decide(f, m.keyed[i], m.titled[i])
		m.verdicts = append(m.verdicts, v)
		if v.book == 0 && v.maybe == nil {
			open = append(open, i)
		}
	}
	ids, err := store.New().ImportReserve(ctx, m.tx, int32(len(open)))
	if err != nil {
		return fmt.Errorf("reserve books: %w", err)
	}
	byKey, byTitle := map[string][]facts{}, map[string][]facts{}
	for n, i := range open {
		f, names := m.facts[i], numbered(m.rows[i])
		var keyed []facts
		for _, name := range names {
			keyed = append(keyed, byKey[name]...)
		}
		v := decide(f, keyed, byTitle[f.titles[0].short])
		if v.book == 0 && v.maybe == nil {
			v.book, f.id = ids[n], ids[n]
			m.fresh = append(m.fresh, i)
			for _, name := range names {
				byKey[name] = append(byKey[name], f)
			}
			byTitle[f.titles[0].short] = append(byTitle[f.titles[0].short], f)
		}
		m.verdicts[i] = v
	}
	return nil
}

// numbered returns the numbers of a row, each with its kind.
func numbered(r store.ImportRow) (names []string) {
	kinds, values := keys(r)
	for i := range kinds {
		names = append(names, kinds[i]+" "+values[i])
	}
	return names
}

// settle stores the verdicts.
func (m *matcher) settle(ctx context.Context, importID int64) error {
	q := store.New()
	found := store.ImportRowsMatchParams{ImportID: importID}
	fresh := make([]bool, len(m.rows))
	for _, i := range m.fresh {
		fresh[i] = true
	}
	for i, v := range m.verdicts {
		if v.book != 0 {
			found.Ns, found.BookIds, found.Created = append(found.Ns, m.rows[i].N), append(found.BookIds, v.book), append(found.Created, fresh[i])
			continue
		}
		err := q.ImportRowUnclear(ctx, m.tx, store.ImportRowUnclearParams{
			ImportID: importID, N: m.rows[i].N, Candidates: v.maybe, Reason: strings.TrimSpace(v.reason + " " + m.rows[i].Reason),
		})
		if err != nil {
			return fmt.Errorf("store a doubt: %w", err)
		}
	}
	if err := q.ImportRowsMatch(ctx, m.tx, found); err != nil {
		return fmt.Errorf("store the books of rows: %w", err)
	}
	return nil
}
