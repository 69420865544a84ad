package app

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// noViolations runs axe-core on the open page at the widths of a desktop and a phone, in light and dark colours. Without
// axe-core (see accessibility) it does nothing.
func (b *tab) noViolations(where string) {
	b.t.Helper()
	path := os.Getenv("AXE_CORE")
	if path == "" {
		return
	}
	axe, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	if get[bool](b, "!globalThis.axe") {
		get[bool](b, string(axe)+"\n;true")
	}
	defer b.run(window(1280, 900), scheme("light"))
	for _, width := range []int64{1280, 375} {
		for _, colours := range []string{"light", "dark"} {
			b.run(window(width, 900), scheme(colours))
			for _, found := range get[[]json.RawMessage](b, "("+axeRun+")("+quote(colours)+")") {
				b.t.Errorf("%s, %d wide, %s: %s", where, width, colours, found)
			}
		}
	}
}

// axeRun returns axe's violations: in light of all rules, in dark of that which depends on colours. It moves animations to their
// end first.
const axeRun = `async (colours) => {
	document.getAnimations().forEach((a) => { try { if (a.effect.getComputedTiming().iterations !== Infinity) a.pause(), a.currentTime = 0; } catch {} });
	const {violations} = await axe.run(document, {resultTypes: ["violations"], ...(colours === "dark" ? {runOnly: ["color-contrast"]} : {})});
	return violations.map((v) => ({rule: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + " — " + n.failureSummary)}));
}`

// accessibility runs axe-core on every page: of visitors, new readers and settled readers, and of errors.
func (s *testSite) accessibility(t *testing.T) {
	needsAxe(t)
	t.Run("visitors", func(t *testing.T) { t.Parallel(); s.accessibleToVisitors(t) })
	t.Run("readers", func(t *testing.T) { t.Parallel(); s.accessibleToReaders(t) })
}

// needsAxe skips a test on a machine without axe-core. CI must have it.
func needsAxe(t *testing.T) {
	t.Helper()
	if os.Getenv("AXE_CORE") != "" {
		return
	}
	const lack = "AXE_CORE is not set: it names axe.min.js of the npm package axe-core, which checks the pages"
	if os.Getenv("BACKLIST_CI") != "" {
		t.Fatal(lack)
	}
	t.Skip(lack)
}

func (s *testSite) accessibleToVisitors(t *testing.T) {
	b := s.open(t)
	b.expect("status of 404", "status of 422", "status of 405")
	for _, path := range []string{
		"/", "/books", "/books?page=3", "/books?q=dickns", "/books?q=zzzzzz", "/books?subject=science-fiction", s.wellKnownBook(b),
		"/signup", "/signin", "/forgot", "/forgot/sent", "/nothing", "/books/999999999", "/signout", "/reset/of-old", "/unsubscribe/cut-in-t",
	} {
		b.goTo(path)
		b.noViolations(path)
	}
	b.goTo("/signup")
	b.submit("name", "", "email", "flora", "password", "short")
	b.sees("[role=alert]", "3")
	b.noViolations("sign-up with mistakes")
	b.goTo("/signin")
	b.submit("email", address(t, "unknown"), "password", "wrong wrong wrong")
	b.sees("[role=alert]", "do not match")
	b.noViolations("sign-in with the wrong password")
	b.goTo("/forgot")
	b.submit("email", "flora")
	b.wait("a sentence", `seen($(".field-error"))`)
	b.noViolations("a forgotten password with a mistake")

	// The links in mails.
	r := s.newReader(t, "Flora")
	b.goTo("/forgot")
	b.fill("email", r.Email)
	b.click("main button[type=submit]")
	b.at("/forgot/sent")
	link := s.mailedLink(t, r.Email, regexp.MustCompile(`/reset/[\w-]+`))
	b.goTo(link)
	b.wait("the form", `seen($("main [name=password]"))`)
	b.noViolations("a password's reset")
	b.submit("password", "short")
	b.wait("a sentence", `seen($(".field-error"))`)
	b.noViolations("a password's reset with a mistake")
	b.fill("password", "another long password")
	b.click("main button[type=submit]")
	b.sees("#flash", "Your new password is set.")
	b.noViolations("the front page after a reset")
}

func (s *testSite) accessibleToReaders(t *testing.T) {
	newcomer := s.openAs(t, s.newReader(t, "Nora"))
	for _, path := range []string{"/", "/recommendations", "/shelf", "/shelf?tab=reading", "/shelf?tab=read", "/shelf?tab=rated", "/mailbox"} {
		newcomer.goTo(path)
		newcomer.noViolations("a newcomer's " + path)
	}
	r, b := s.settled(t, "Vera")
	b.expect("status of 404", "status of 422")
	for _, path := range s.readerPages(b) {
		b.goTo(path)
		b.noViolations("a reader's " + path)
	}
	b.goTo(get[string](b, mailURL))
	b.noViolations("a mail")
	books := s.wellKnownBook(b)
	r.rate("3.5", books)
	r.shelve("read", books)
	b.goTo(books)
	b.noViolations("a book with rating and shelf")
	for _, wrong := range []string{"stars=2.7", "status=lost"} {
		b.goTo(books)
		name, value, _ := strings.Cut(wrong, "=")
		path := map[string]string{"stars": "/rating", "status": "/shelf"}[name]
		get[bool](b, `(() => {
			const form = document.createElement("form"), input = document.createElement("input");
			form.method = "post"; form.action = `+quote(books+path)+`; input.name = `+quote(name)+`; input.value = `+quote(value)+`;
			form.append(input); document.body.append(form); form.submit(); return true;
		})()`)
		b.wait("a sentence", `seen($(".field-error"))`)
		b.noViolations("a book after " + wrong)
	}
	b.goTo("/settings")
	b.submit("name", "")
	b.wait("a sentence", `seen($(".field-error"))`)
	b.noViolations("settings with a mistake")
	b.goTo("/settings/delete")
	b.submit("password", "not my password")
	b.wait("a sentence", `seen($(".field-error"))`)
	b.noViolations("deletion with the wrong password")
	b.goTo("/recommendations")
	b.clickOn(`$(".rec-acts .button-bare")`)
	b.wait("the offer of undoing", `seen($(".undo"))`)
	b.noViolations("recommendations after a dismissal")
	b.goTo(s.mailedLink(t, r.Email, regexp.MustCompile(`/unsubscribe/[\w.-]+`)))
	b.sees("h1", "Stop this mail")
	b.noViolations("unsubscribing")
	b.click("main button[type=submit]")
	b.sees("h1", "Done")
	b.noViolations("unsubscribed")
}

// submit sends the page's first form with these names and values, without the browser's validation.
func (b *tab) submit(pairs ...string) {
	b.t.Helper()
	fields, _ := json.Marshal(pairs)
	get[bool](b, `(() => {
		const pairs = `+string(fields)+`, form = $("main form.sheet");
		for (let i = 0; i < pairs.length; i += 2) form.elements[pairs[i]].value = pairs[i + 1];
		form.noValidate = true; form.requestSubmit(); return true;
	})()`)
}

// mailedLink waits for a mail to an address with a link that matches path, and returns the link's path.
func (s *testSite) mailedLink(t *testing.T, to string, path *regexp.Regexp) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		taken := s.sink.Count()
		for _, m := range s.sink.Messages() {
			// Quoted-printable breaks long lines with "=" at their ends.
			text := strings.ReplaceAll(strings.ReplaceAll(string(m.Data), "=\r\n", ""), "=3D", "=")
			if link := path.FindString(text); link != "" && strings.Contains(strings.Join(m.To, " "), to) {
				return link
			}
		}
		if err := s.sink.Wait(ctx, taken+1); err != nil {
			t.Fatalf("no mail to %s has %s: %v", to, path, err)
		}
	}
}
