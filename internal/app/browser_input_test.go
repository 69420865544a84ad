package app

import (
	"fmt"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// point waits until an element can be clicked, with no other element over its middle, and returns its middle.
func (b *tab) point(element string) (x, y float64) {
	b.t.Helper()
	where := `((e) => {
		if (!seen(e)) return null;
		e.scrollIntoView({block: "center", behavior: "instant"});
		const r = e.getBoundingClientRect(), x = r.x + r.width / 2, y = r.y + r.height / 2;
		const hit = document.elementFromPoint(x, y);
		return hit && (e.contains(hit) || hit.contains(e)) ? [x, y] : null;
	})(` + element + `)`
	b.wait("something to click", where)
	at := get[[]float64](b, where)
	if len(at) != 2 {
		b.t.Fatalf("%s has gone", element)
	}
	return at[0], at[1]
}

// clickOn clicks on the element that an expression finds. An update of the page may move the element between the look for its place
// and the click, so a click that reached another element is repeated.
func (b *tab) clickOn(element string) {
	b.t.Helper()
	const tries = 20
	for range tries {
		x, y := b.point(element)
		get[bool](b, `window.missed = false, document.addEventListener("click", (ev) => {
			const e = `+element+`;
			window.missed = !e || !(e.contains(ev.target) || ev.target.closest("label, button, a")?.contains(e));
		}, {capture: true, once: true}), true`)
		b.run(chromedp.MouseClickXY(x, y))
		if missed, err := evaluate[bool](b, "window.missed === true"); err != nil || !missed { // no error: the click may have led elsewhere
			return
		}
	}
	b.t.Fatalf("%d clicks on %s missed it", tries, element)
}

// click clicks on the first element that matches a selector.
func (b *tab) click(selector string) { b.t.Helper(); b.clickOn("$(" + quote(selector) + ")") }

// press clicks on the link or button with that name.
func (b *tab) press(name string) { b.t.Helper(); b.clickOn("named(" + quote(name) + ")") }

// tap touches the element that an expression finds.
func (b *tab) tap(element string) {
	b.t.Helper()
	x, y := b.point(element)
	b.run(
		send(input.DispatchTouchEvent, input.DispatchTouchEventParams{
			Type: input.DispatchTouchEventTypeTouchStart, TouchPoints: []*input.TouchPoint{{X: x, Y: y}},
		}),
		send(input.DispatchTouchEvent, input.DispatchTouchEventParams{
			Type: input.DispatchTouchEventTypeTouchEnd, TouchPoints: []*input.TouchPoint{},
		}),
	)
}

// fill types text into the field of that name and replaces its content.
func (b *tab) fill(name, text string) {
	b.t.Helper()
	field := fmt.Sprintf("$(`main [name=%s]`)", name)
	b.wait("the field "+name, "seen("+field+")")
	get[bool](b, field+".focus(), "+field+".select(), true")
	b.run(send(input.InsertText, input.InsertTextParams{Text: text}))
}

// keys presses keys one after another.
func (b *tab) keys(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		b.run(chromedp.KeyEvent(key))
	}
}

// shiftTab moves the focus one control back.
func (b *tab) shiftTab() {
	b.t.Helper()
	b.run(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift)))
}
