// Package book is the catalogue with its search, the details of books, and readers' ratings.
package book

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/backlist/backlist/internal/store"
)

// Card is a book as lists show it.
type Card struct {
	ID      int64
	Title   string
	Authors string  // "Karl Marx and Friedrich Engels"; empty where the author is unknown
	Year    string  // "1869", "750 BC"; empty where it is unknown
	Average float64 // of all ratings at this moment, 0.5 to 5 stars; 0 without ratings
	Ratings int     // their number
	Mine    Said    // by the reader for whom the list is
}

// Cards returns the cards of the books with these ids for a reader (0: for a visitor), in the same order. It leaves out unknown ids.
func Cards(ctx context.Context, db store.DBTX, readerID int64, ids []int64) ([]Card, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := store.New().BookCards(ctx, db, ids, readerID)
	if err != nil {
		return nil, fmt.Errorf("load book cards: %w", err)
	}
	cards := make([]Card, len(rows))
	for i, r := range rows {
		cards[i] = Card{
			ID: r.ID, Title: r.Title, Authors: Names(r.Authors), Year: YearText(r.Year),
			Average: r.Average / 2, Ratings: int(r.Ratings), Mine: Said{Stars: Stars(r.Stars), Shelf: r.Status},
		}
	}
	return cards, nil
}

// Names joins authors for display: "Jane Austen", "Karl Marx and Friedrich Engels", "Wu Cheng’en, A and B". Beyond four
// authors the rest are "others".
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

// YearText formats a year for display: "1869", and "750 BC" for -750. It returns an empty string for an unknown year.
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
