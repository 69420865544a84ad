package importer

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/backlist/backlist/internal/store"
)

// opinion is what a reader says about a book: stars, 0 for none, and a shelf, "" for none.
type opinion struct {
	stars     int16
	ratedAt   time.Time
	shelf     string
	shelvedAt time.Time
}

// rowOpinion returns the opinion of a row. A time that the file does not have is now.
func rowOpinion(r store.ImportRow, now time.Time) opinion {
	return opinion{or(r.Stars, 0), or(r.RatedAt, now), or(r.Shelf, ""), or(r.ShelvedAt, now)}
}

func or[T any](p *T, instead T) T {
	if p == nil {
		return instead
	}
	return *p
}

var shelfRank = map[string]int{"": 0, "to-read": 1, "reading": 2, "read": 3}

// with combines the opinions of two rows about one book: a rating counts more than none and the later more than the earlier; the
// shelf further along counts more.
func (o opinion) with(p opinion) opinion {
	if p.stars != 0 && (o.stars == 0 || p.ratedAt.After(o.ratedAt)) {
		o.stars, o.ratedAt = p.stars, p.ratedAt
	}
	if a, b := shelfRank[o.shelf], shelfRank[p.shelf]; b > a || a == b && p.shelvedAt.After(o.shelvedAt) {
		o.shelf, o.shelvedAt = p.shelf, p.shelvedAt
	}
	return o
}

// before is what a row's change replaced, and what it wrote, as in import_row.before.
type before struct {
	Stars      int16      `json:"stars"`
	RatedAt    *time.Time `json:"rated_at"`
	Shelf      string     `json:"shelf"`
	ShelvedAt  *time.Time `json:"shelved_at"`
	BaseStars  int16      `json:"base_stars"`
	BaseShelf  string     `json:"base_shelf"`
	WroteStars int16      `json:"wrote_stars"`
	WroteShelf string     `json:"wrote_shelf"`
}

// change is what an import does to a reader's opinion of a book.
type change struct {
	outcome string
	reasons []string
	before  before
	base    opinion // what the next import compares with
}

// compare compares the opinion of a file with that of the site and that of the last import. What the reader changed here since the
// last import stays. A finished book stays finished.
func compare(file opinion, site store.ImportOpinionsRow) change {
	c := change{outcome: Same, before: before{
		Stars: or(site.Stars, 0), RatedAt: site.RatedAt, Shelf: or(site.Status, ""), ShelvedAt: site.ShelvedAt,
		BaseStars: or(site.ImportedStars, 0), BaseShelf: or(site.ImportedShelf, ""),
	}}
	was := c.before
	c.base = opinion{stars: was.BaseStars, shelf: was.BaseShelf}
	kept := false
	switch {
	case file.stars == 0:
	case file.stars == was.Stars:
		c.base.stars = file.stars
	case was.Stars == was.BaseStars:
		c.base.stars, c.before.WroteStars = file.stars, file.stars
	default:
		kept = true
		c.reasons = append(c.reasons, fmt.Sprintf("%s; the file has %s.", rated(was.Stars), starsText(file.stars)))
	}
	switch {
	case file.shelf == "":
	case file.shelf == was.Shelf:
		c.base.shelf = file.shelf
	case was.Shelf == "read" && was.BaseShelf == "read":
		c.reasons = append(c.reasons, "You have read it, so it stays on “Read”.")
	case was.Shelf == was.BaseShelf:
		c.base.shelf, c.before.WroteShelf = file.shelf, file.shelf
	default:
		kept = true
		c.reasons = append(c.reasons, fmt.Sprintf("%s; the file has it on “%s”.", shelved(was.Shelf), shelfName(file.shelf)))
	}
	switch {
	case kept:
		c.outcome = KeptOwn
	case c.before.WroteStars == 0 && c.before.WroteShelf == "":
	case was.Stars == 0 && was.Shelf == "":
		c.outcome = Added
	default:
		c.outcome = Changed
	}
	return c
}

func rated(stars int16) string {
	if stars == 0 {
		return "You removed your rating here"
	}
	return "Here you gave it " + starsText(stars)
}

func starsText(stars int16) string {
	if stars == 2 {
		return "1 star"
	}
	return strings.TrimSuffix(strconv.FormatFloat(float64(stars)/2, 'f', 1, 64), ".0") + " stars"
}

func shelved(shelf string) string {
	if shelf == "" {
		return "You took it off your shelves here"
	}
	return "Here it is on “" + shelfName(shelf) + "”"
}

func shelfName(shelf string) string {
	return map[string]string{"to-read": "Want to read", "reading": "Reading", "read": "Read"}[shelf]
}
