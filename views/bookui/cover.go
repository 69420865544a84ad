package bookui

import (
	"strconv"
	"strings"
	"unicode"
)

// drawing is a cover with all its design choices.
type drawing struct {
	palette
	title, author     block
	year, initial     string
	ornament, pattern string
	scene             int // which picture, for the covers that have one
}

// family is a kind of cover, with its room for the title and for the author in
// units of the cover, which is 200 wide and 300 high.
type family struct {
	titleWidth, titleHeight, titleSize float64
	authorWidth                        float64
}

const (
	cloth = iota
	label
	bands
	initial
	halfBound
	picture
	arch
	familyCount
)

var families = [familyCount]family{
	cloth:     {142, 112, 36, 142},
	label:     {124, 96, 27, 124},
	bands:     {164, 108, 40, 164},
	initial:   {164, 112, 38, 160},
	halfBound: {124, 130, 32, 124},
	picture:   {164, 92, 38, 164},
	arch:      {122, 110, 34, 122},
}

// plan makes the design choices. It scrambles the number first, because
// neighbours in the catalogue would otherwise have the same design.
func (c Cover) plan() (int, drawing) {
	n := uint64(c.Variant) * 0x9e3779b97f4a7c15
	pick := func(shift, among int) int { return int(n >> shift % uint64(among)) }
	kind := pick(58, familyCount)
	f := families[kind]
	d := drawing{
		palette:  palettes[pick(40, len(palettes))],
		title:    fit(shortTitle(c.Title), f.titleWidth, f.titleHeight, f.titleSize, 13),
		author:   fit(strings.ToUpper(c.Author), f.authorWidth*0.95, 27, 12, 9),
		year:     c.Year,
		initial:  firstLetter(c.Title),
		ornament: "#orn-" + ornaments[pick(30, len(ornaments))],
		pattern:  "#pat-" + patterns[pick(20, len(patterns))],
		scene:    pick(12, 5),
	}
	return kind, d
}

// shortTitle removes the subtitle from a long title.
func shortTitle(title string) string {
	if len(title) > 34 {
		for _, mark := range []string{": ", "; ", " ("} {
			if head, _, found := strings.Cut(title, mark); found && head != "" {
				return head
			}
		}
	}
	return title
}

// firstLetter returns the letter under which a library would file the title.
func firstLetter(title string) string {
	for _, article := range []string{"The ", "A ", "An "} {
		title = strings.TrimPrefix(title, article)
	}
	for _, r := range title {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "§"
}

// num formats a coordinate with at most one decimal.
func num(f float64) string {
	return strconv.FormatFloat(float64(int(f*10+0.5))/10, 'f', -1, 64)
}

// initialSize returns the size at which the first letter fills the space between
// the text and the foot of the cover. Capitals are about 0.7 of their size high.
func (d drawing) initialSize() float64 {
	top := 42 + d.title.height() + d.author.height() + 16
	return min(280, max(120, (290-top)/0.7))
}
