package ui

// Pager leads through a list of pages. Build it with NewPager.
type Pager struct {
	Current, Last int
	Steps         []PageStep
	url           func(page int) string
}

// PageStep is a numbered page, or a gap between two of them.
type PageStep struct {
	Number       int
	URL          string
	Current, Gap bool
}

// NewPager shows current of last pages (both from 1); url gives the address of
// a page. With one page or none the pager writes nothing.
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
