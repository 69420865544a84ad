package app

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// arrival begins on the page of a reader whose job is queued, and ends when the page shows the list.
func (s *testSite) arrival(t *testing.T) {
	r := s.newReader(t, "Wanda")
	b := s.openAs(t, r, onEveryPage(`
		globalThis.shift = 0;
		new PerformanceObserver((list) => list.getEntries().forEach((e) => { if (!e.hadRecentInput) globalThis.shift += e.value; }))
			.observe({type: "layout-shift", buffered: true});`))
	rated := s.wellKnown(b)[:3]
	r.rate("5", hrefs(rated)...)
	b.goTo("/recommendations")
	b.wait("the working state", `seen($(".working-on"))`)
	b.sees("main", "popular")
	b.noViolations("recommendations that are being made")
	get[bool](b, "globalThis.stayed = true")
	s.startWorker()
	b.wait("recommendations with reasons", `seen($(".because"))`)
	b.wait("the working state to end", `!$(".working-on")`)
	b.sees(".standing", "from your 3 ratings")
	b.reasonsName(rated)
	if !get[bool](b, "globalThis.stayed === true") {
		t.Error("the page was reloaded")
	}
	if shift := get[float64](b, "globalThis.shift"); shift >= 0.1 {
		t.Errorf("cumulative layout shift over the arrival is %.3f, want below 0.1", shift)
	} else {
		t.Logf("cumulative layout shift over the arrival: %.4f", shift)
	}
}

// linked is a page's link to a book.
type linked struct{ Title, Href string }

// wellKnown returns the books that the signed-in front page offers to rate.
func (s *testSite) wellKnown(b *tab) []linked {
	b.t.Helper()
	b.goTo("/")
	return get[[]linked](b, `$$(".rate-card h3 a").map((a) => ({Title: plain(a.textContent), Href: a.getAttribute("href")}))`)
}

func hrefs(books []linked) (list []string) {
	for _, book := range books {
		list = append(list, book.Href)
	}
	return list
}

func titles(books []linked) (list []string) {
	for _, book := range books {
		list = append(list, book.Title)
	}
	return list
}

// reasonsName checks that recommendations have reasons, and that all of these name rated books.
func (b *tab) reasonsName(rated []linked) {
	b.t.Helper()
	reasons := get[[]string](b, `$$(".because cite").map((c) => plain(c.textContent))`)
	if len(reasons) == 0 {
		b.t.Error("no recommendation has a reason")
	}
	for _, reason := range reasons {
		if !slices.Contains(titles(rated), reason) {
			b.t.Errorf("a reason names %q, which was not rated; rated are %q", reason, titles(rated))
		}
	}
}

// signUp signs up by the front page and the form.
func (b *tab) signUp(name string) (email string) {
	b.t.Helper()
	email = address(b.t, name)
	b.goTo("/")
	b.press("Sign up")
	b.at("/signup")
	b.fill("name", name)
	b.fill("email", email)
	b.fill("password", password)
	b.click("main button[type=submit]")
	b.at("/")
	b.sees("h1", "Good to see you, "+name)
	return email
}

// star returns the selector of the label for a number of stars.
func star(within, stars string) string {
	return fmt.Sprintf(`%s label:has([value="%s"])`, within, stars)
}

// reloadUntil reloads a page until a condition holds.
func (b *tab) reloadUntil(path, what, condition string) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		b.goTo(path)
		if get[bool](b, "!!("+condition+")") {
			return
		}
		<-time.After(100 * time.Millisecond) // without scripts a page does not change by itself
	}
	b.show()
	b.t.Fatalf("%s never showed %s", path, what)
}

func (s *testSite) signUpToRecommendations(t *testing.T) {
	b := s.open(t)
	b.signUp("Ada")
	live := b.another()
	live.goTo("/recommendations")
	live.sees("main", "popular")
	get[bool](live, "globalThis.stayed = true")

	// Rate two books on the front page, and a third on its own page.
	books := s.wellKnown(b)
	for i, book := range books[:2] {
		card := fmt.Sprintf("#rate-%s", book.Href[len("/books/"):])
		b.click(star(card, "4.5"))
		b.sees(card+" .rating-standing", "4½ stars")
		b.wait("progress", fmt.Sprintf(`$("#start progress").value === %d`, i+1))
	}
	b.press(books[2].Title)
	b.at(books[2].Href)
	b.click(star(".rating", "5"))
	b.sees(".rating-standing", "5 stars")
	b.sees("#flash", "Your rating is saved.")

	live.wait("recommendations with reasons", `seen($(".because"))`)
	live.sees(".standing", "from your 3 ratings")
	live.reasonsName(books[:3])
	if !get[bool](live, "globalThis.stayed === true") {
		t.Error("the page was reloaded")
	}
	b.goTo("/")
	b.sees("#start-title", "For you")
	b.reasonsName(books[:3])

	b.reloadUntil("/mailbox", "both mails", `named("Unread: Welcome to Backlist") && named("Unread: Your recommendations are ready")`)
	b.press("Unread: Your recommendations are ready")
	b.sees(".letter", "Dear Ada,")
	b.sees(".letter", "See all your recommendations")
	b.sees(".letter-head", "The mail server has taken it.")
	b.wait("the mail marked as read", `!named("Mark as read") && reads(".mainnav .count", "1")`)
	b.press("Mailbox")
	b.press("Unread: Welcome to Backlist")
	b.sees(".letter h1", "Welcome to Backlist")
	b.wait("the mail marked as read", `!named("Mark as read")`)
	b.press("Mailbox")
	b.wait("no unread mail", `named("Welcome to Backlist") && !$(".mail-unread") && !$(".mainnav .count")`)
}

func (s *testSite) withoutJavaScript(t *testing.T) {
	b := s.open(t, withoutScripts())
	email := b.signUp("Ida")
	b.sees("#flash", "Welcome.")

	// Search, and page through the books.
	b.fill("q", "dickns")
	b.press("Search")
	b.at("/books?q=dickns")
	b.sees(".book-list", "Great Expectations")
	b.goTo("/books")
	first := get[string](b, `plain($(".book-list h3").textContent)`)
	b.press("Next")
	b.at("/books?page=2")
	b.wait("other books", `!reads(".book-list h3", `+quote(first)+`)`)
	b.press("Previous")
	b.sees(".book-list h3", first)

	// Rate three books, remove one rating, and rate that book again.
	books := s.wellKnown(b)[:3]
	for i, book := range books {
		card := fmt.Sprintf("#rate-%s", book.Href[len("/books/"):])
		b.click(star(card, "4.5"))
		b.press("Save rating of " + book.Title)
		if i < 2 {
			b.wait("progress", fmt.Sprintf(`$("#start progress")?.value === %d`, i+1))
			b.sees(card+" .rating-standing", "4½ stars")
		}
		b.sees("#flash", "Your rating is saved.")
	}
	b.sees("#start-title", "For you")
	b.goTo(books[0].Href)
	b.sees(".rating-standing", "4½ stars")
	b.press("Remove rating of " + books[0].Title)
	b.sees(".rating-standing", "Not rated")
	b.click(star(".rating", "3.5"))
	b.press("Save rating of " + books[0].Title)
	b.sees(".rating-standing", "3½ stars")

	// Put a book on a shelf, and remove it.
	b.press("Reading")
	b.sees(".shelf-choice", "On your shelf “Reading”")
	b.wait("the shelf marked", `$("[value=reading]").ariaPressed === "true"`)
	b.goTo("/shelf?tab=reading")
	b.sees(".book-list", books[0].Title)
	b.goTo(books[0].Href)
	b.press("Remove from the shelf")
	b.sees(".shelf-choice", "Not on a shelf")

	s.recommendationsByReload(b, books)

	b.reloadUntil("/mailbox", "the welcome", `named("Unread: Welcome to Backlist")`)
	b.press("Unread: Welcome to Backlist")
	b.sees(".letter", "Dear Ida,")
	b.press("Mark as read")
	b.sees(".letter", "Dear Ida,")
	b.wait("the mail marked as read", `!named("Mark as read")`)

	b.press("Settings of Ida")
	b.fill("name", "Ida Lume")
	b.click("[name=quiet]")
	b.press("Save settings")
	b.sees("#flash", "Your settings are saved.")
	b.wait("the choice kept", `$("[name=name]").value === "Ida Lume" && $("[name=quiet]").checked`)

	b.press("Delete my account")
	b.sees("main", "3 ratings")
	b.fill("password", password)
	b.press("Delete my account for good")
	b.sees("#flash", "Your account and all its data have been deleted.")
	b.press("Sign in")
	b.expect("status of 422")
	b.fill("email", email)
	b.fill("password", password)
	b.click("main button[type=submit]")
	b.sees("[role=alert]", "do not match")
}

// recommendationsByReload waits for the list, shelves one of its books, dismisses another, and undoes the dismissal.
func (s *testSite) recommendationsByReload(b *tab, rated []linked) {
	b.t.Helper()
	b.reloadUntil("/recommendations", "reasons", `$(".because")`)
	b.reasonsName(rated)
	list := get[[]linked](b, `$$(".rec h2 a").map((a) => ({Title: plain(a.textContent), Href: a.getAttribute("href")}))`)
	b.press("Want to read: " + list[0].Title)
	b.at("/recommendations")
	b.wait("it to leave the list", "!"+inList(list[0]))
	b.press("Not for me: " + list[1].Title)
	b.sees(".undo", "We will not show "+list[1].Title+" again.")
	b.wait("it to leave the list", "!"+inList(list[1]))
	b.press("Undo")
	b.sees("#flash", "The book may be recommended again.")
	b.reloadUntil("/recommendations", list[1].Title+" again", inList(list[1]))
	b.goTo("/shelf?tab=to-read")
	b.sees(".book-list", list[0].Title)
}

// inList returns the condition that a book is on the recommendations page.
func inList(book linked) string { return fmt.Sprintf("!!$(`.rec h2 a[href='%s']`)", book.Href) }
