package app

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// keyboard rates, shelves and dismisses books without a mouse, and checks at every step that the focus is visible.
func (s *testSite) keyboard(t *testing.T) {
	r := s.newReader(t, "Kim")
	b := s.openAs(t, r)
	books := s.wellKnown(b)
	r.rate("5", hrefs(books[:2])...)

	b.goTo(books[2].Href)
	b.keys(kb.Tab)
	b.focused(`document.activeElement === $(".skip") && $(".skip").getBoundingClientRect().top >= 0`)
	b.keys(kb.Enter)
	b.wait("the main part to have the focus", `document.activeElement === $("#main")`)
	b.tabTo(`document.activeElement.matches("[name=stars]")`)
	b.keys(" ", kb.ArrowRight, kb.ArrowRight, kb.ArrowRight, kb.ArrowRight, kb.ArrowRight, kb.ArrowRight, kb.ArrowRight, kb.ArrowRight)
	b.sees(".rating-standing", "4½ stars")
	b.focused(`document.activeElement.matches("[name=stars][value='4.5']")`)
	b.tabTo(`plain(document.activeElement.textContent) === "Reading"`)
	b.keys(kb.Enter)
	b.sees(".shelf-choice", "On your shelf “Reading”")
	b.focused(`plain(document.activeElement.textContent) === "Reading" && document.activeElement.ariaPressed === "true"`)
	b.tabTo(`plain(document.activeElement.textContent) === "Remove from the shelf"`)
	b.keys(" ")
	b.sees(".shelf-choice", "Not on a shelf")
	b.focused(`document.activeElement.closest("#desk")`)
	b.tabTo(`document.activeElement.matches("[name=stars]")`)
	b.tabTo(`plain(document.activeElement.textContent).startsWith("Remove rating")`)
	b.keys(kb.Enter)
	b.sees(".rating-standing", "Not rated")
	b.focused(`document.activeElement.closest("#desk")`)

	// The list changes while it has the focus.
	r.rate("5", books[2].Href)
	b.goTo("/recommendations")
	b.sees(".standing", "from your 3 ratings")
	b.wait("the list", `seen($(".because")) && !$(".working-on")`)
	b.tabTo(`plain(document.activeElement.textContent).startsWith("Not for me")`)
	title := get[string](b, `plain(document.activeElement.closest(".rec").querySelector("h2").textContent)`)
	b.keys(kb.Enter)
	b.sees(".undo", "We will not show "+title+" again.")
	b.focused(`document.activeElement.closest("main")`)
	b.wait("the new list", `!$(".working-on")`)
	b.tabTo(`plain(document.activeElement.textContent).startsWith("Want to read")`)
	get[bool](b, `globalThis.at = document.activeElement.closest("li").id, true`)
	r.rate("5", books[3].Href)
	b.sees(".standing", "from your 4 ratings")
	b.focused(`document.activeElement.closest("main") && (!$("#" + globalThis.at) || document.activeElement.closest("li")?.id === globalThis.at)`)
	b.tabTo(`plain(document.activeElement.textContent).startsWith("Want to read")`)
	title = get[string](b, `plain(document.activeElement.closest(".rec").querySelector("h2").textContent)`)
	b.keys(kb.Enter)
	b.wait("it to leave the list", `!reads(".rec h2", `+quote(title)+`)`)
	b.focused(`document.activeElement.closest("main")`)
	b.shiftTab()
	b.focused("true")
}

// tabTo presses Tab until the condition there holds. The focus must be visible all the way.
func (b *tab) tabTo(there string) {
	b.t.Helper()
	for range 150 {
		b.keys(kb.Tab)
		if get[bool](b, "document.activeElement === document.body") {
			continue // past the end of the page, before its start
		}
		b.focused("true")
		if get[bool](b, "!!("+there+")") {
			return
		}
	}
	b.show()
	b.t.Fatalf("150 times Tab did not lead to %s", there)
}

// focused waits for a condition about the focus, and checks that the focus is visible.
func (b *tab) focused(condition string) {
	b.t.Helper()
	b.wait("the focus", condition)
	lost := get[string](b, `(() => {
		const e = document.activeElement;
		if (e === document.body) return "the focus is nowhere";
		const marked = (x) => { const s = getComputedStyle(x); return (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== "none"; };
		const label = e.closest("label");
		if (!marked(e) && !(label && marked(label)) && !e.matches("#main, [tabindex='-1']")) return "the focus cannot be seen on " + e.outerHTML.slice(0, 150);
		const r = (label || e).getBoundingClientRect();
		if (r.width < 8 || r.height < 8) return "the focus is on something of no size: " + e.outerHTML.slice(0, 150);
		return "";
	})()`)
	if lost != "" {
		b.show()
		b.t.Error(lost)
	}
}
