package page

import (
	"fmt"

	"github.com/a-h/templ"

	"github.com/backlist/backlist/views/ui"
)

// own reports whether the list is finished and made from the reader's own ratings.
func (d Recommended) own() bool { return !d.Working && !d.Popular && d.Made != "" }

// standing describes the state of a list that is not own in one line.
func (d Recommended) standing() string {
	switch {
	case d.Working:
		return "Finding books for you …"
	case d.Popular:
		return "Books that many readers love"
	case d.RateMore > 0:
		return rateMore(d.RateMore, d.Ratings)
	default:
		return "No recommendations yet"
	}
}

// standingMore returns the second line, which gives the reason or advice.
func (d Recommended) standingMore() string {
	switch {
	case d.Working && d.Doing != "":
		return d.Doing
	case d.Working && d.Hint != "":
		return d.Hint
	case d.Working && d.Popular && len(d.Items) > 0:
		return "Until then, here are popular books. Your own list will replace them by itself."
	case d.Working && len(d.Items) > 0:
		return "The list below is the last one. The new one will replace it by itself."
	case d.Working:
		return "It will appear here by itself; without JavaScript, reload in a moment."
	case d.Popular && d.RateMore > 0:
		return fmt.Sprintf("New readers get popular books. Rate %s and the list becomes your own.", ui.Count(d.RateMore, "more book", "more books"))
	case d.Popular:
		return "New readers get popular books, until we know enough readers with a taste like yours."
	case d.own():
		return "It is updated each time you rate a book."
	default:
		return ""
	}
}

func (r Recommendation) byline() string {
	line := r.Author
	if r.Year != "" {
		line += ", " + r.Year
	}
	if r.Average != "" {
		line += " · ★ " + r.Average
	}
	return line
}

// bookAct returns the address of a form on a book: its rating, shelf or dismissal.
func bookAct(id int64, what string) templ.SafeURL {
	return templ.SafeURL(fmt.Sprintf("/books/%d/%s", id, what))
}
