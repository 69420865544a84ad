package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a page in the browser. While it is open it collects faults, each of which fails the test: errors and warnings in the
// console (including breaches of the content security policy), exceptions, and requests to other hosts.
type tab struct {
	t       *testing.T
	ctx     context.Context
	base    string
	mu      sync.Mutex
	faults  []string
	allowed []string // parts of console lines that the test itself provokes
}

// open opens a tab with a new profile, in which no reader is signed in.
func (s *testSite) open(t *testing.T, with ...step) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(s.browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	return watch(t, ctx, s.web.URL, with)
}

// openAs opens a tab in which r is signed in.
func (s *testSite) openAs(t *testing.T, r *account, with ...step) *tab {
	t.Helper()
	b := s.open(t, with...)
	for _, c := range r.cookies() {
		b.run(send(network.SetCookie, network.SetCookieParams{
			Name: c.Name, Value: c.Value, URL: b.base, Path: "/", Secure: new(true), HTTPOnly: new(true),
		}))
	}
	return b
}

// another opens a second tab with the profile of b.
func (b *tab) another() *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	return watch(b.t, ctx, b.base, nil)
}

func watch(t *testing.T, ctx context.Context, base string, with []step) *tab {
	t.Helper()
	b := &tab{t: t, ctx: ctx, base: base}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	b.run(append([]step{
		send(cdplog.Enable, cdp.Empty{}), send(network.Enable, network.EnableParams{}), window(1280, 900),
	}, with...)...)
	t.Cleanup(b.check)
	return b
}

func (b *tab) listen(event any) {
	switch e := event.(type) {
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError || e.Entry.Level == cdplog.EntryLevelWarning {
			b.fault(fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			var said []string
			for _, arg := range e.Args {
				said = append(said, string(arg.Value)+arg.Description)
			}
			b.fault("console: " + strings.Join(said, " "))
		}
	case *runtime.EventExceptionThrown:
		b.fault("exception: " + (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		if err != nil || (u.Scheme != "data" && u.Scheme != "about" && u.Hostname() != "localhost") {
			b.fault("request to another host: " + e.Request.URL)
		}
	}
}

func (b *tab) fault(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, what)
}

// expect allows console lines with these parts, because the test provokes them, as by a page with status 404.
func (b *tab) expect(parts ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.allowed = append(b.allowed, parts...)
}

func (b *tab) check() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, fault := range b.faults {
		allowed := false
		for _, part := range b.allowed {
			allowed = allowed || strings.Contains(fault, part)
		}
		if !allowed {
			b.t.Errorf("the browser reported: %s", fault)
		}
	}
}

func (b *tab) run(steps ...step) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// step is an action in a tab.
type step = chromedp.Action[chromedp.Void]

// send is a command of the DevTools protocol whose answer is not used.
func send[P, R any](command cdp.Command[P, R], params P) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

// window emulates a screen of that size with a mouse.
func window(width, height int64) step { return chromedp.EmulateViewport(width, height) }

// phone emulates a touch screen of 375 by 740 points.
func phone() step {
	return chromedp.EmulateViewport(375, 740, chromedp.EmulateMobile, chromedp.EmulateTouch)
}

// scheme emulates the reader's preference for light or dark colours.
func scheme(name string) step {
	return send(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
}

// withoutScripts disables the page's own scripts.
func withoutScripts() step {
	return send(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// onEveryPage runs a script at the start of every page.
func onEveryPage(script string) step {
	return send(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// goTo opens a page of the site and waits until it has loaded.
func (b *tab) goTo(path string) {
	b.t.Helper()
	b.run(chromedp.Navigate(b.base + path))
}

// evaluate returns the value of an expression, or of the promise that it returns. It works even where the page's own scripts
// are disabled.
func evaluate[T any](b *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	await := func(p *runtime.EvaluateParams) { p.AwaitPromise = new(true) }
	return chromedp.Run(ctx, chromedp.Evaluate[T](pageHelpers+"\n"+expression, await))
}

// pageHelpers are functions for expressions. A control's name is its text or its aria-label.
const pageHelpers = `{
	globalThis.$ = (selector) => document.querySelector(selector);
	globalThis.$$ = (selector) => [...document.querySelectorAll(selector)];
	globalThis.plain = (text) => text.replace(/\s+/g, " ").trim();
	globalThis.seen = (e) => !!e && e.checkVisibility({opacityProperty: false, visibilityProperty: true}) && e.getClientRects().length > 0;
	globalThis.named = (name, within) => [...document.querySelectorAll((within || "body") + " :is(a[href], button)")]
		.find((e) => seen(e) && (plain(e.textContent) === name || e.getAttribute("aria-label") === name));
	globalThis.reads = (selector, words) => $$(selector).some((e) => seen(e) && plain(e.innerText).includes(words));
}`

// wait waits until the page has loaded and a condition holds. If it never does, wait logs the page and fails the test.
func (b *tab) wait(what, condition string) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	var last error
	for time.Now().Before(deadline) {
		ok, err := evaluate[bool](b, `document.readyState === "complete" && !!(`+condition+`)`)
		if ok {
			return
		}
		last = err
		<-time.After(20 * time.Millisecond) // polled, because a page that is being replaced cannot notify us
	}
	b.show()
	b.t.Fatalf("%s did not come: %s (%v)", what, condition, last)
}

// sees waits for visible words in an element.
func (b *tab) sees(selector, words string) {
	b.t.Helper()
	b.wait(fmt.Sprintf("%q in %s", words, selector), fmt.Sprintf("reads(%s, %s)", quote(selector), quote(words)))
}

// at waits for the page with that path and query.
func (b *tab) at(path string) {
	b.t.Helper()
	b.wait("the page "+path, "location.pathname + location.search === "+quote(path))
}

// get returns the value of an expression.
func get[T any](b *tab, expression string) T {
	b.t.Helper()
	value, err := evaluate[T](b, expression)
	if err != nil {
		b.show()
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// quote returns s as a JavaScript literal.
func quote(s string) string {
	text, _ := json.Marshal(s) // a string cannot fail
	return string(text)
}

// show logs the page's text and saves a screenshot beside the test's output.
func (b *tab) show() {
	if text, err := evaluate[string](b, "location.href + ' (' + document.visibilityState + ') ' + plain(document.body.innerText)"); err == nil {
		b.t.Logf("the page: %.2000s", text)
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return
	}
	file := filepath.Join(b.t.ArtifactDir(), "page.png")
	if err := os.WriteFile(file, picture, 0o600); err == nil {
		b.t.Log("screenshot:", file)
	}
}
