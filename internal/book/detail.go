package book

import (
	"context"
	"fmt"

	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/internal/store"
)

// Detail is everything that a book's page shows about it.
type Detail struct {
	Card
	OriginalTitle string // empty where it equals Title or is unknown
	By            []Author
	Series        string // "Sherlock Holmes, 3"; empty if the book is not part of a series
	Subjects      []Subject
	About         string // a sentence about the book; may be empty
}

// Author is an author of a book.
type Author struct {
	ID   int64
	Name string
	Life string // "1775–1817", "70–19 BC", "born 1950"; empty where the years are unknown
}

// Subject is one of the catalogue's subjects.
type Subject struct {
	Key  string // as in ?subject=
	Name string
}

// Get returns a book, or pgx.ErrNoRows if the id is unknown.
func Get(ctx context.Context, db pipeline.DB, id int64) (Detail, error) {
	var b store.BookGetRow
	var authors []store.Author
	var subjects []store.Subject
	q := store.New()
	err := pipeline.Together(ctx, db,
		func(db pipeline.DB) (err error) { b, err = q.BookGet(ctx, db, id); return err },
		func(db pipeline.DB) (err error) { authors, err = q.BookAuthors(ctx, db, id); return err },
		func(db pipeline.DB) (err error) { subjects, err = q.BookSubjects(ctx, db, id); return err })
	if err != nil {
		return Detail{}, fmt.Errorf("load book %d: %w", id, err)
	}
	d := Detail{
		Card:   Card{ID: id, Title: b.Title, Year: YearText(b.Year), Average: b.Average / 2, Ratings: int(b.Ratings)},
		Series: SeriesText(b.Series, b.Volume), About: b.About,
	}
	if b.OriginalTitle != b.Title {
		d.OriginalTitle = b.OriginalTitle
	}
	names := make([]string, len(authors))
	for i, a := range authors {
		names[i] = a.Name
		d.By = append(d.By, Author{ID: a.ID, Name: a.Name, Life: Life(a.Born, a.Died)})
	}
	d.Authors = Names(names)
	for _, s := range subjects {
		d.Subjects = append(d.Subjects, Subject{Key: s.Key, Name: s.Name})
	}
	return d, nil
}

// Subjects returns the subjects that books have, ordered by name.
func Subjects(ctx context.Context, db store.DBTX) ([]Subject, error) {
	rows, err := store.New().SubjectsUsed(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("load subjects: %w", err)
	}
	subjects := make([]Subject, len(rows))
	for i, r := range rows {
		subjects[i] = Subject{Key: r.Key, Name: r.Name}
	}
	return subjects, nil
}

// SeriesText formats a series and the book's number in it for display: "Sherlock Holmes, 3".
func SeriesText(series, volume string) string {
	if series == "" || volume == "" {
		return series
	}
	return series + ", " + volume
}

// Life formats the years of a life for display: "1775–1817", "70–19 BC", "43 BC–17", "born 1950", "died 1375".
func Life(born, died *int16) string {
	from, to := YearText(born), YearText(died)
	switch {
	case from == "" && to == "":
		return ""
	case from == "":
		return "died " + to
	case to == "":
		return "born " + from
	case *born < 0 && *died < 0:
		from = from[:len(from)-len(" BC")]
	}
	return from + "–" + to
}
