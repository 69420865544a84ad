package page_test

import (
	"fmt"

	"github.com/a-h/templ"

	"github.com/backlist/backlist/views/bookui"
	"github.com/backlist/backlist/views/page"
	"github.com/backlist/backlist/views/ui"
)

// fixture is a page in one state.
type fixture struct {
	path    string
	content templ.Component
}

// fixtures returns all pages, each in the states that look different.
func fixtures() []fixture {
	in := func(title, nav string) page.Frame {
		return page.Frame{Title: title, Reader: "Ines Carvalho", Unread: 2, Nav: nav, Release: "v12"}
	}
	out := func(title string) page.Frame { return page.Frame{Title: title, Release: "v12"} }
	cards, recs := books(), recommendations()
	pager := ui.NewPager(4, 17, func(n int) string { return fmt.Sprintf("/books?page=%d", n) })
	wrong := func(value, text string) ui.Input { return ui.Input{Value: value, Error: text} }
	flashed := in("Anna Karenina", "books")
	flashed.Flash = "Saved: 4½ stars for Anna Karenina."
	subjects := []ui.Chip{{Text: "Classics", URL: "/books?subject=classics"}, {Text: "Russia", URL: "/books", Current: true}, {Text: "Science fiction", URL: "/books?subject=sf"}, {Text: "Poetry", URL: "/books?subject=poetry"}, {Text: "Children", URL: "/books?subject=children"}}
	book := page.Book{
		Page: flashed, ID: 3, Cover: cards[2].Cover, Title: "Anna Karenina", OriginalTitle: "Анна Каренина",
		Authors: []ui.Link{{Text: "Leo Tolstoy", URL: "/books?q=Tolstoy"}}, Year: "1878", Series: "Great Russians, 2",
		Subjects: []ui.Link{{Text: "Classics", URL: "/books?subject=classics"}, {Text: "Russia", URL: "/books?subject=russia"}, {Text: "Marriage", URL: "/books?subject=marriage"}},
		Blurb:    "A woman leaves a cold marriage for a cavalry officer, and a landowner looks for a life that is worth living.",
		Average:  "4.2", Count: "1,204 ratings", Mine: 9, Shelf: "read", Neighbours: cards[3:9],
	}
	signedOut := book
	signedOut.Page, signedOut.Mine, signedOut.Shelf, signedOut.SignInURL = out("Anna Karenina"), 0, "", "/signin?next=/books/3"
	refused := book
	refused.RatingError, refused.ShelfError = "“2.7” is not a number of half stars.", "There is no shelf called “loft”."
	ready := page.Recommended{Ratings: 12, Made: "3 seconds ago", MadeISO: "2026-11-23T08:00:00Z", Items: recs, Undo: &page.Dismissed{ID: 9, Title: "Ulysses"}}
	working := ready
	working.Working, working.Undo, working.Hint = true, nil, "Still waiting: no worker has taken it yet."
	zones := []ui.Option{{Value: "Europe/Lisbon", Text: "Lisbon"}, {Value: "Europe/Berlin", Text: "Berlin"}}
	all := []fixture{
		{"/", page.HomePage(page.Home{Page: out(""), Popular: cards[:18]})},
		{"/home-new", page.HomePage(page.Home{Page: in("", "home"), Ratings: 1, RateMore: 2, Rate: cards[:9], Reading: cards[4:6]})},
		{"/home", page.HomePage(page.Home{Page: in("", "home"), Ratings: 12, Picks: recs[:4], Reading: cards[4:7]})},
		{"/books", page.BooksPage(page.Books{Page: in("Books", "books"), Query: "tolstoi", Meant: "tolstoy", Subject: "russia", Subjects: subjects, Count: "24 books about Russia", Books: cards, Pager: pager})},
		{"/books-none", page.BooksPage(page.Books{Page: out("Books"), Query: "zzz", Count: "No book for “zzz”"})},
		{"/books/3", page.BookPage(book)},
		{"/book-out", page.BookPage(signedOut)},
		{"/book-422", page.BookPage(refused)},
		{"/recommendations", page.RecommendationsPage(page.Recommendations{Page: in("For you", "recommendations"), List: ready})},
		{"/rec-working", page.RecommendationsPage(page.Recommendations{Page: in("For you", "recommendations"), List: working})},
		{"/rec-first", page.RecommendationsPage(page.Recommendations{Page: in("For you", "recommendations"), List: page.Recommended{Ratings: 3, Working: true}})},
		{"/rec-popular", page.RecommendationsPage(page.Recommendations{Page: in("For you", "recommendations"), List: page.Recommended{RateMore: 3, Popular: true, Items: recs[4:]}})},
		{"/rec-none", page.RecommendationsPage(page.Recommendations{Page: in("For you", "recommendations"), List: page.Recommended{RateMore: 3}})},
		{"/lab", page.LabPage(page.Lab{Page: in("The lab", "lab"), Experiments: []page.LabCard{{Letter: "a", Slug: "inline", Title: "Inline or in the background", Purpose: "The same twice."}}})},
		{"/lab-run", page.LabExperimentPage(experiment(in("Inline or in the background", "lab"), false))},
		{"/lab-running", page.LabExperimentPage(experiment(out("Inline or in the background"), true))},
		{"/shelf", page.ShelfPage(page.Shelf{Page: in("My books", "shelf"), Tab: "read", ToRead: 14, Reading: 2, Read: 31, Rated: 12, Books: cards[:6], Pager: pager})},
		{"/shelf-empty", page.ShelfPage(page.Shelf{Page: in("My books", "shelf"), Tab: "to-read"})},
		{"/mailbox", page.MailboxPage(page.Mailbox{Page: in("Mailbox", "mailbox"), Messages: mails(), Pager: pager})},
		{"/mailbox-empty", page.MailboxPage(page.Mailbox{Page: in("Mailbox", "mailbox")})},
		{"/mailbox/1", page.MessagePage(message(in("Your recommendations are ready", "mailbox")))},
		{"/signup", page.SignUpPage(page.SignUp{Page: out("Sign up"), Next: "/recommendations"})},
		{"/signup-422", page.SignUpPage(page.SignUp{Page: out("Sign up"), Name: wrong("", "Tell us a name to call you by."), Email: wrong("INES@example.org", "There is an account with this address already."), Password: wrong("", "A password needs at least 8 characters."), Quiet: true})},
		{"/signin", page.SignInPage(page.SignIn{Page: out("Sign in"), Email: ui.Input{Value: "ines@example.org"}, Problem: "Address and password do not match.", Next: "/shelf"})},
		{"/forgot", page.ForgotPage(page.Forgot{Page: out("Forgotten password")})},
		{"/forgot/sent", page.ForgotSentPage(page.ForgotSent{Page: out("Look in your inbox"), Valid: "one hour"})},
		{"/reset", page.ResetPage(page.Reset{Page: out("New password"), Action: "/reset/abc", Password: wrong("", "A password needs at least 8 characters.")})},
		{"/reset-old", page.ResetPage(page.Reset{Page: out("New password"), Expired: true})},
		{"/settings", page.SettingsPage(page.Settings{Page: in("Settings", "settings"), Email: "ines@example.org", Name: ui.Input{Value: "Ines Carvalho"}, TimeZone: ui.Input{Value: "Europe/Berlin"}, Zones: zones, Quiet: true})},
		{"/settings-422", page.SettingsPage(page.Settings{Page: in("Settings", "settings"), Email: "ines@example.org", Name: wrong("", "Tell us a name to call you by."), TimeZone: wrong("Mars", "We do not know that time zone."), Zones: zones, Current: wrong("", "That is not your password.")})},
		{"/settings/delete", page.DeleteAccountPage(page.DeleteAccount{Page: in("Delete my account", "settings"), Ratings: 1212, Shelved: 47, Mails: 1, Password: wrong("", "That is not your password.")})},
		{"/unsubscribe", page.UnsubscribePage(page.Unsubscribe{Page: out("Stop this mail"), Action: "/unsubscribe/abc"})},
		{"/unsubscribe-done", page.UnsubscribePage(page.Unsubscribe{Page: out("Done"), Done: true})},
		{"/styleguide", page.StyleguidePage(page.Styleguide{Page: in("Style guide", "")})},
	}
	for _, status := range []int{403, 404, 405, 413, 422, 429, 500, 503} {
		all = append(all, fixture{fmt.Sprintf("/error/%d", status), page.ErrorPage(page.Error{Page: out(""), Status: status, RequestID: "7f3a91c2"})})
	}
	return all
}

func books() []bookui.Card {
	titles := [][3]string{
		{"The Odyssey", "Homer", "700 BC"},
		{"Middlemarch", "George Eliot", "1872"},
		{"Anna Karenina", "Leo Tolstoy", "1878"},
		{"Frankenstein; or, The Modern Prometheus", "Mary Shelley", "1818"},
		{"The Left Hand of Darkness", "Ursula K. Le Guin", "1969"},
		{"Beloved", "Toni Morrison", "1987"},
		{"One Hundred Years of Solitude", "Gabriel García Márquez", "1967"},
		{"Slaughterhouse-Five", "Kurt Vonnegut", "1969"},
		{"Ulysses", "James Joyce", "1922"},
		{"Things Fall Apart", "Chinua Achebe", "1958"},
		{"Alice’s Adventures in Wonderland", "Lewis Carroll", "1865"},
		{"The Tale of Genji", "Murasaki Shikibu", "1021"},
		{"1984", "George Orwell", "1949"},
		{"If on a Winter’s Night a Traveller", "Italo Calvino", "1979"},
		{"Pride and Prejudice", "Jane Austen", "1813"},
		{"The Unbearable Lightness of Being", "Milan Kundera", "1984"},
		{"Emma", "Jane Austen", "1815"},
		{"Twenty Thousand Leagues Under the Seas", "Jules Verne", "1870"},
		{"The Strange Case of Dr Jekyll and Mr Hyde", "Robert Louis Stevenson", "1886"},
		{"Dune", "Frank Herbert", "1965"},
		{"Crime and Punishment", "Fyodor Dostoevsky", "1866"},
		{"To the Lighthouse", "Virginia Woolf", "1927"},
		{"Wuthering Heights", "Emily Brontë", "1847"},
		{"The Lion, the Witch and the Wardrobe", "C. S. Lewis", "1950"},
	}
	shelves := []string{"", "to-read", "reading", "read", ""}
	var out []bookui.Card
	for i, t := range titles {
		out = append(out, bookui.Card{
			ID: int64(i + 1), Title: t[0], Author: t[1], Year: t[2], Cover: bookui.Cover{Title: t[0], Author: t[1], Year: t[2], Variant: i + 1},
			Average: fmt.Sprintf("%.1f", 3.4+float64(i%15)/10), Count: ui.Count(i*97, "rating", "ratings"), Mine: i % 4 * 3, Shelf: shelves[i%5],
		})
	}
	out[8].Average = ""
	return out
}

func recommendations() []page.Recommendation {
	why := []ui.Link{{Text: "Emma", URL: "/books/17"}, {Text: "Middlemarch", URL: "/books/2"}, {Text: "To the Lighthouse", URL: "/books/22"}}
	var out []page.Recommendation
	for i, b := range books()[9:19] {
		out = append(out, page.Recommendation{ID: b.ID, Title: b.Title, Author: b.Author, Year: b.Year, Cover: b.Cover, Average: b.Average, Count: b.Count, Because: why[:1+i%3], Blurb: "A crew sets out, and none who returns is quite the same."})
	}
	return out
}

func mails() []page.MailRow {
	var out []page.MailRow
	for i, state := range []string{"queued", "sending", "sent", "failed", "unconfirmed"} {
		out = append(out, page.MailRow{ID: int64(i + 1), Subject: "Your recommendations are ready", When: "Today, 09:41", WhenISO: "2026-11-23T09:41:00Z", State: state, Unread: i < 2})
	}
	return out
}

func message(p page.Frame) page.Message {
	return page.Message{
		Page: p, Subject: "Your recommendations are ready", From: "Backlist <mail@backlist.example>", To: "ines@example.org", When: "Today, 09:41", WhenISO: "2026-11-23T09:41:00Z", State: "unconfirmed",
		Body: []page.Paragraph{
			{{Text: "Hello Ines,"}},
			{{Text: "you have rated twelve books, and we have found some that may suit you: "}, {Text: "see your recommendations", URL: "/recommendations"}, {Text: "."}},
			{{Text: "You can "}, {Text: "stop this mail", URL: "/unsubscribe/abc"}, {Text: " at any time."}},
		},
	}
}

// experiment returns a page of the lab with a run.
func experiment(frame page.Frame, running bool) page.LabExperiment {
	card := page.LabCard{Letter: "a", Slug: "inline", Title: "Inline or in the background", Purpose: "The same twice."}
	return page.LabExperiment{
		Page: frame, Card: card, Lesson: "A request does it all.", Button: "Send both", Account: "It works on your own account.",
		Refused: "Another one runs.", Watch: &ui.Link{Text: "Watch it", URL: "/lab/inline/X"}, Next: &card,
		Codes: []page.LabCode{{Title: "Before", Path: "internal/lab/inline.go", Text: "func f() {}"}},
		Run: &page.LabRun{
			Events: "/lab/inline/X/events", Reload: "/lab/inline/X", Running: running, Doing: "It is being done.", When: "Started just now by Ines.",
			Sentences: []string{"One.", "Two."}, Figures: []page.LabFigure{{Name: "Inline", Value: "223 ms", Note: "as the lesson says"}},
			Groups: []page.LabGroup{{
				Title: "Inline", Note: "All of it.", Marks: []page.LabMark{{At: 223, Text: "the response ends"}, {At: 2, Text: "here"}},
				Lanes: []page.LabLane{{Name: "request", Note: "223 ms", Bars: []page.LabBar{{Look: "request", To: 223, Text: "waits"}}}, {Name: "render", Depth: 9, Bars: []page.LabBar{{Look: "step", From: 203, To: 1230}}}},
			}},
			Grids:      []page.LabGrid{{Title: "Orders", Cells: []page.LabCell{{Look: "whole", Text: "order 1: row and job"}}}},
			Tables:     []page.LabTable{{Title: "Afterwards", Head: []string{"effect"}, Rows: [][]string{{"a letter"}}, Note: "All."}, {Title: "Empty"}},
			Statements: []page.LabStatement{{Title: "Both", SQL: "select 1", Head: []string{"n"}, Rows: [][]string{{"1"}}}},
		},
	}
}
