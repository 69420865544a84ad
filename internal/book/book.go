// Package book is the catalogue and what readers say of it: search, a book's page, stars.
package book

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/backlist/backlist/internal/store"
)

// Card is what a list shows of a book.
type Card struct {
	ID      int64
	Title   string
	Authors string  // "Karl Marx and Friedrich Engels"; empty where nobody is known
	Year    string  // "1869", "750 BC"; empty where it is not known
	Average float64 // 0.5 to 5 stars of all ratings at this moment; 0 where nobody has rated
	Ratings int     // how many those are
}

// Cards returns the cards of the books with these ids in the same order; unknown ids are left out.
func Cards(ctx context.Context, db store.DBTX, ids []int64) ([]Card, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := store.New().BookCards(ctx, db, ids)
	if err != nil {
		return nil, fmt.Errorf("load book cards: %w", err)
	}
	cards := make([]Card, len(rows))
	for i, r := range rows {
		cards[i] = Card{
			ID: r.ID, Title: r.Title, Authors: Names(r.Authors), Year: YearText(r.Year),
			Average: r.Average / 2, Ratings: int(r.Ratings),
		}
	}
	return cards, nil
}

// Names joins authors for display: "Jane Austen", "Karl Marx and Friedrich Engels", "Wu Cheng’en, A and B". Beyond four
// the rest are "others".
func Names(names []string) string {
	const most = 4
	if len(names) > most {
		names = append(names[:most-1:most-1], "others")
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// YearText writes a year for display: "1869", and "750 BC" for -750. An unknown year is empty.
func YearText(year *int16) string {
	switch {
	case year == nil || *year == 0:
		return ""
	case *year < 0:
		return strconv.Itoa(-int(*year)) + " BC"
	default:
		return strconv.Itoa(int(*year))
	}
}
