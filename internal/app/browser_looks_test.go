package app

import (
	"testing"
)

// readerPages returns every kind of page of a signed-in reader with ratings, shelved books and mail.
func (s *testSite) readerPages(b *tab) []string {
	return []string{
		"/", "/books", "/books?page=3", "/books?q=dickns", "/books?q=zzzzzz", s.wellKnownBook(b), "/recommendations",
		"/shelf", "/shelf?tab=reading", "/shelf?tab=read", "/shelf?tab=rated", "/imports", "/mailbox", "/settings", "/settings/delete", "/nothing",
	}
}

func (s *testSite) wellKnownBook(b *tab) string {
	b.goTo("/books")
	return get[string](b, `$(".book-list h3 a").getAttribute("href")`)
}

// settled creates a reader who has rated books, and has recommendations and the mail about them.
func (s *testSite) settled(t *testing.T, name string) (*account, *tab) {
	t.Helper()
	r := s.newReader(t, name)
	b := s.openAs(t, r)
	books := s.wellKnown(b)
	r.rate("4.5", hrefs(books[:4])...)
	r.shelve("reading", books[4].Href)
	r.shelve("to-read", books[5].Href)
	b.reloadUntil("/recommendations", "reasons", `$(".because") && !$(".working-on")`)
	b.reloadUntil("/mailbox", "the mail", `named("Unread: Your recommendations are ready") && !$(".badge-busy")`)
	return r, b
}

func (s *testSite) phone(t *testing.T) {
	petra, b := s.settled(t, "Petra")
	b.run(phone())
	b.expect("status of 404")
	for _, path := range append(s.readerPages(b), get[string](b, mailURL)) {
		b.goTo(path)
		b.fitsPhone(path)
	}
	if _, _, err := inProcess(t, map[string]string{"DATABASE_URL": s.db}, "operator", "add", petra.Email); err != nil {
		t.Fatal(err)
	}
	b.goTo("/")
	b.fitsPhone("the front page of a viewer")
	if top := get[float64](b, `named("Console").getBoundingClientRect().top`); top > 40 {
		t.Errorf("the way to the console is not in the masthead's first line: it begins at %v points", top)
	}
	visitor := s.open(t, phone())
	visitor.expect("status of 404", "status of 422")
	for _, path := range []string{"/", "/signup", "/signin", "/forgot", "/forgot/sent", "/books", "/nothing"} {
		visitor.goTo(path)
		visitor.fitsPhone(path)
		if height := get[float64](visitor, `$(".masthead").getBoundingClientRect().height`); height > 80 {
			t.Errorf("%s: the visitors' masthead takes two lines: it is %v points high", path, height)
		}
	}

	// A new reader uses only touch.
	fresh := s.openAs(t, s.newReader(t, "Paul"), phone())
	books := s.wellKnown(fresh)
	fresh.fitsPhone("the front page of a new reader")
	card := "#rate-" + books[0].Href[len("/books/"):]
	fresh.tap(`$(` + quote(star(card, "3.5")) + `)`)
	fresh.tap(`named("My books")`) // at once, before an answer can have come: the rating must not be lost
	fresh.at("/shelf")
	fresh.reloadUntil("/shelf", "the rating", `named("Rated 1")`)
	fresh.tap(`named("Rated 1")`)
	fresh.sees(".book-list", books[0].Title)
	fresh.tap(`named(` + quote(books[0].Title) + `)`)
	fresh.at(books[0].Href)
	fresh.tap(`named("Want to read")`)
	fresh.sees(".shelf-choice", "On your shelf “Want to read”")
	fresh.fitsPhone("a book")
}

// mailURL is an expression for the path of the first mail in the mailbox.
const mailURL = `fetch("/mailbox").then((r) => r.text()).then((t) =>
	new DOMParser().parseFromString(t, "text/html").querySelector(".mail-subject").getAttribute("href"))`

// fitsPhone checks that nothing is wider than the screen or too small for a finger: buttons must be 44 points high, other
// controls 24 by 24 (WCAG 2.2, 2.5.8; links within a sentence are exempt).
func (b *tab) fitsPhone(where string) {
	b.t.Helper()
	if width := get[float64](b, "document.scrollingElement.scrollWidth"); width > 375 {
		wide := get[[]string](b, `$$("body *").filter((e) => e.getBoundingClientRect().right > 376 && seen(e)).slice(0, 5).map((e) => e.outerHTML.slice(0, 120))`)
		b.t.Errorf("%s is %v points wide on a screen of 375: %q", where, width, wide)
	}
	small := get[[]string](b, `(() => {
		const inline = (e) => e.tagName === "A" && getComputedStyle(e).display === "inline" && !e.closest("nav");
		return $$("a[href], button, input:not([type=hidden]), select, .stars label").filter((e) => {
			if (!seen(e) || inline(e) || e.matches(".skip, .save, [tabindex='-1'], .stars input")) return false;
			let r = e.getBoundingClientRect();
			if (e.type === "checkbox") return e.closest(".check").getBoundingClientRect().height < 44;
			const tall = e.matches("button, .button") ? 44 : 24;
			return r.height < tall - .01 || r.width < 24 - .01;
		}).map((e) => { const r = e.getBoundingClientRect(); return Math.round(r.width * 10) / 10 + "x" + Math.round(r.height * 10) / 10 + " " + e.outerHTML.slice(0, 140); });
	})()`)
	for _, e := range small {
		b.t.Errorf("%s: too small for a finger: %s", where, e)
	}
}

func (s *testSite) darkMode(t *testing.T) {
	_, b := s.settled(t, "Dora")
	b.expect("status of 404")
	// WCAG's relative luminance of the background and the text.
	const luminance = `((colour) => {
		const [r, g, b] = colour.match(/[\d.]+/g).slice(0, 3).map((c) => c / 255).map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
		return .2126 * r + .7152 * g + .0722 * b;
	})(getComputedStyle(document.body)`
	for _, path := range s.readerPages(b) {
		for _, want := range []struct {
			scheme string
			dark   bool
		}{{"light", false}, {"dark", true}} {
			b.run(scheme(want.scheme))
			b.goTo(path)
			ground, text := get[float64](b, luminance+".backgroundColor)"), get[float64](b, luminance+".color)")
			if dark := ground < .05 && text > .5; dark != want.dark {
				b.t.Errorf("%s in a %s scheme: the background's luminance is %.2f, the text's %.2f", path, want.scheme, ground, text)
			}
		}
	}
	for _, path := range []string{"/", "/books", "/recommendations", "/shelf?tab=rated"} {
		b.goTo(path)
		b.wait("covers on "+path, `$$("main .cover").filter((c) => seen(c) && c.getBoundingClientRect().height > 60 && c.querySelector("[fill]")).length > 1`)
	}
}
