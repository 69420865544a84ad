package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/views/bookui"
	"github.com/backlist/backlist/views/page"
	"github.com/backlist/backlist/views/ui"
)

// cards prepares books for display.
func cards(books []book.Card) []bookui.Card {
	cards := make([]bookui.Card, len(books))
	for i, b := range books {
		cards[i] = bookui.Card{
			ID: b.ID, Title: b.Title, Author: b.Authors, Year: b.Year, Cover: cover(b.ID, b.Title, b.Authors, b.Year),
			Average: average(b.Average, b.Ratings), Count: ratingCount(b.Ratings),
			Mine: int(b.Mine.Stars), Shelf: b.Mine.Shelf,
		}
	}
	return cards
}

// cover returns the cover of a book, which is always the same.
func cover(id int64, title, author, year string) bookui.Cover {
	return bookui.Cover{Title: title, Author: author, Year: year, Variant: int(id)}
}

func average(stars float64, ratings int) string {
	if ratings == 0 {
		return ""
	}
	return strconv.FormatFloat(stars, 'f', 1, 64)
}

func ratingCount(n int) string {
	if n == 0 {
		return ""
	}
	return ui.Count(n, "rating", "ratings")
}

func bookView(d book.Detail) page.Book {
	v := page.Book{
		ID: d.ID, Cover: cover(d.ID, d.Title, d.Authors, d.Year), Title: d.Title, OriginalTitle: d.OriginalTitle,
		Year: d.Year, Series: d.Series, Blurb: d.About,
		Average: average(d.Average, d.Ratings), Count: ratingCount(d.Ratings),
	}
	for _, a := range d.By {
		v.Authors = append(v.Authors, ui.Link{Text: a.Name, URL: "/books?q=" + url.QueryEscape(a.Name)})
	}
	for _, subject := range d.Subjects {
		v.Subjects = append(v.Subjects, ui.Link{Text: subject.Name, URL: "/books?subject=" + url.QueryEscape(subject.Key)})
	}
	return v
}

func recommendationView(item recommend.Item) page.Recommendation {
	author, year := book.Names(item.Authors), book.YearText(item.Year)
	v := page.Recommendation{
		ID: item.BookID, Title: item.Title, Author: author, Year: year, Cover: cover(item.BookID, item.Title, author, year),
	}
	for _, reason := range item.Reasons {
		v.Because = append(v.Because, ui.Link{Text: reason.Title, URL: string(bookui.URL(reason.BookID))})
	}
	return v
}

// ago describes in words how long ago t was.
func ago(t, now time.Time) string {
	d := now.Sub(t)
	unit := func(n int, name string) string {
		if n == 1 {
			return "1 " + name + " ago"
		}
		return fmt.Sprintf("%d %ss ago", n, name)
	}
	switch {
	case d < 2*time.Second:
		return "just now"
	case d < time.Minute:
		return unit(int(d.Seconds()), "second")
	case d < time.Hour:
		return unit(int(d.Minutes()), "minute")
	case d < 48*time.Hour:
		return unit(int(d.Hours()), "hour")
	default:
		return unit(int(d.Hours()/24), "day")
	}
}

// pageNumber parses ?page=. A non-numeric value is the first page.
func pageNumber(r *http.Request) int {
	n, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil {
		return 1
	}
	return max(n, 1)
}

// pageURL returns a function for the addresses of a list's pages. They have the values of keep, but no others of the request's
// query.
func pageURL(r *http.Request, keep url.Values) func(int) string {
	query := url.Values{}
	for name, values := range keep {
		if values[0] != "" {
			query[name] = values
		}
	}
	return func(n int) string {
		query.Set("page", strconv.Itoa(n))
		return r.URL.Path + "?" + query.Encode()
	}
}
