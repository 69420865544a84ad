package ui

// Pager links to the pages of a list. Use NewPager to build it.
type Pager struct {
	Current, Last int
	Steps         []PageStep
	url           func(page int) string
}

// PageStep is a numbered page, or a gap between two.
type PageStep struct {
	Number       int
	URL          string
	Current, Gap bool
}

// NewPager returns the pager of page current of last pages (both from 1). url
// returns the address of a page. With at most one page the pager writes nothing.
func NewPager(current, last int, url func(page int) string) Pager {
	p := Pager{Current: current, Last: last, url: url}
	shown := 0
	for n := 1; n <= last; n++ {
		if n != 1 && n != last && (n < current-1 || n > current+1) {
			continue
		}
		if n > shown+1 {
			p.Steps = append(p.Steps, PageStep{Gap: true})
		}
		p.Steps = append(p.Steps, PageStep{Number: n, URL: url(n), Current: n == current})
		shown = n
	}
	return p
}
