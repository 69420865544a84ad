package page_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"golang.org/x/net/html"

	"github.com/backlist/backlist/views/page"
)

func TestPages(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures() {
		t.Run(f.path, func(t *testing.T) {
			t.Parallel()
			checkDocument(t, render(t, f.content))
		})
	}
}

// TestEmptyPages: pages can be rendered without data.
func TestEmptyPages(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]templ.Component{
		"home": page.HomePage(page.Home{}), "home in": page.HomePage(page.Home{Page: page.Frame{Reader: "Ines"}}),
		"books": page.BooksPage(page.Books{}), "book": page.BookPage(page.Book{}),
		"recommendations": page.RecommendationsPage(page.Recommendations{}), "shelf": page.ShelfPage(page.Shelf{}),
		"mailbox": page.MailboxPage(page.Mailbox{}), "message": page.MessagePage(page.Message{}),
		"signup": page.SignUpPage(page.SignUp{}), "signin": page.SignInPage(page.SignIn{}),
		"forgot": page.ForgotPage(page.Forgot{}), "forgot sent": page.ForgotSentPage(page.ForgotSent{}),
		"reset": page.ResetPage(page.Reset{}), "settings": page.SettingsPage(page.Settings{}),
		"delete": page.DeleteAccountPage(page.DeleteAccount{}), "unsubscribe": page.UnsubscribePage(page.Unsubscribe{}),
		"error": page.ErrorPage(page.Error{}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkDocument(t, render(t, content))
		})
	}
}

// TestLiveFormsArePlainForms: a form that htmx sends also works without it, with the same address.
func TestLiveFormsArePlainForms(t *testing.T) {
	t.Parallel()
	live := 0
	for _, f := range fixtures() {
		for n := range render(t, f.content).Descendants() {
			if post := attr(n, "hx-post"); post != "" {
				live++
				if n.Data != "form" || attr(n, "method") != "post" || attr(n, "action") != post {
					t.Errorf("%s: <%s hx-post=%q action=%q>", f.path, n.Data, post, attr(n, "action"))
				}
			}
		}
	}
	if live == 0 {
		t.Error("no form is live")
	}
}

func TestPasswordIsNeverShown(t *testing.T) {
	t.Parallel()
	d := page.SignIn{}
	d.Password.Value = "correct horse"
	var b bytes.Buffer
	if err := page.SignInPage(d).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "correct horse") {
		t.Error("the page repeats the password")
	}
}

func render(t *testing.T, c templ.Component) *html.Node {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// checkDocument checks that a page has one h1 and one main, that ids are unique and references to them valid, that every
// input has a label, and that nothing inline breaches the content security policy.
func checkDocument(t *testing.T, doc *html.Node) {
	t.Helper()
	ids, labelled, count := map[string]bool{}, map[string]bool{}, map[string]int{}
	for n := range doc.Descendants() {
		count[n.Data]++
		if id := attr(n, "id"); id != "" {
			if ids[id] {
				t.Errorf("two elements have the id %q", id)
			}
			ids[id] = true
		}
		if n.Data == "label" {
			labelled[attr(n, "for")] = true
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s %s=%q> is inline", n.Data, a.Key, a.Val)
			}
		}
	}
	for n := range doc.Descendants() {
		if isInput(n) && n.Parent.Data != "label" && !labelled[attr(n, "id")] {
			t.Errorf("input %q has no label", attr(n, "name"))
		}
		for _, id := range strings.Fields(attr(n, "aria-describedby") + " " + attr(n, "aria-labelledby") + " " + strings.TrimPrefix(attr(n, "hx-select"), "#")) {
			if !ids[id] {
				t.Errorf("<%s> refers to #%s, which does not exist", n.Data, id)
			}
		}
		if (n.Data == "script" && attr(n, "src") == "") || n.Data == "style" {
			t.Errorf("inline <%s>", n.Data)
		}
	}
	if count["h1"] != 1 || count["main"] != 1 {
		t.Errorf("%d h1, %d main", count["h1"], count["main"])
	}
}

func isInput(n *html.Node) bool {
	return n.Data == "select" || n.Data == "textarea" || n.Data == "input" && attr(n, "type") != "hidden"
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
