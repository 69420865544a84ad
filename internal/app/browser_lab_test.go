package app

import (
	"context"
	"fmt"
	"testing"

	"github.com/backlist/backlist/internal/lab"
	"github.com/backlist/backlist/internal/testdb"
)

// labInBrowser runs every experiment of the lab to its end, in backlist dev. They run one after another, since the lab runs one at
// a time.
func labInBrowser(t *testing.T, browser context.Context) {
	s := &testSite{t: t, db: testdb.NewURL(t), browser: browser}
	s.web = start(t, s.db, []string{"PORT=0"}, "dev", "--verbose", "--data", t.TempDir())
	b := &labTab{s.open(t)}
	b.goTo("/lab")
	if n := get[int](b.tab, `$$(".lab-card").length`); n != len(lab.Experiments()) {
		t.Errorf("the lab has %d experiments, want %d", n, len(lab.Experiments()))
	}
	b.noViolations("/lab")
	check := map[string]func(){
		"inline-or-background": b.inlineOrBackground, "one-big-or-many-small": b.bigOrSmall, "fails-twice": b.failsTwice,
		"where-did-it-commit": b.whereDidItCommit, "no-worker": b.noWorker, "kill-a-worker": b.killAWorker,
	}
	for _, e := range lab.Experiments() {
		b.experiment(e.Slug)
		if check[e.Slug] != nil {
			check[e.Slug]()
		}
		b.fitsWindow(e.Slug, 1280)
	}
	b.noViolations("the last experiment")
	b.run(phone())
	b.fitsWindow("the last experiment", 375)
	plain := &labTab{s.open(t, withoutScripts())}
	plain.goTo("/lab/where-did-it-commit")
	plain.press("Take the orders")
	plain.wait("the run", `location.pathname.length > 40`)
	plain.reloadUntil(get[string](plain.tab, "location.pathname"), "the end of the run", labEnded)
	plain.whereDidItCommit()
	b.stopsAll(s.web)
}

// labTab is a tab that shows the lab.
type labTab struct{ *tab }

const labEnded = `$("#lab-result")?.dataset.running === "false"`

// experiment runs an experiment by its button, and waits for its end on the page, which is not loaded again.
func (b *labTab) experiment(slug string) {
	b.t.Helper()
	b.goTo("/lab/" + slug)
	b.click(".lab-start button")
	b.wait("the run", `location.pathname.startsWith("/lab/`+slug+`/")`)
	get[bool](b.tab, "globalThis.stayed = true")
	b.wait("the end of "+slug, labEnded)
	if problem := get[string](b.tab, `$(".lab-result .notice-error")?.innerText ?? ""`); problem != "" {
		b.t.Errorf("%s: %s", slug, problem)
	}
	if n := get[int](b.tab, `$$(".lab-sentences p").length`); n != 2 || !get[bool](b.tab, "stayed && !!$('.lab-statements details pre')") {
		b.t.Errorf("%s explains itself in %d sentences, without statements, or was loaded again", slug, n)
	}
	b.t.Log(slug+":", get[string](b.tab, `$(".lab-sentences").innerText`))
}

// bar returns where a bar begins or ends, in milliseconds, by its lane's name and its look. group counts from 0.
func (b *labTab) bar(group int, lane, look, edge string) float64 {
	b.t.Helper()
	return get[float64](b.tab, fmt.Sprintf(
		`+[...$$(".fall-group")[%d].querySelectorAll(".fall-lane")].find((l) => plain(l.innerText).startsWith(%s)).querySelector(".bar-%s").dataset.%s`,
		group, quote(lane), look, edge))
}

// inlineOrBackground: inline, the response ends after the mail; in the background it ends before the jobs begin, and both effects
// arrive. Jobs may begin as soon as they are committed, and the response ends a moment later: on a busy machine that order can be
// the other way round, so the experiment is run again then.
func (b *labTab) inlineOrBackground() {
	b.t.Helper()
	for try := 1; ; try++ {
		inline, background := b.bar(0, "request", "request", "to"), b.bar(1, "request", "request", "to")
		if mailed := b.bar(0, "mail", "step", "to"); mailed > inline {
			b.t.Errorf("inline, the mail was sent at %v ms, after the response had ended at %v ms", mailed, inline)
		}
		first := min(b.bar(1, "job lab_recommend", "attempt", "from"), b.bar(1, "job lab_mail", "attempt", "from"))
		done := max(b.bar(1, "job lab_recommend", "attempt", "to"), b.bar(1, "job lab_mail", "attempt", "to"))
		enqueued := b.bar(1, "enqueue", "step", "from")
		b.t.Logf("inline %.1f ms, background %.1f ms: 1/%.1f; jobs enqueued from %.1f ms, begun at %.1f ms, done at %.1f ms", inline, background,
			inline/background, enqueued, first, done)
		if enqueued > first || background > done {
			b.t.Error("jobs began before they were enqueued, or were done before the response ended")
		}
		for _, effect := range []string{"letter, inline sent", "letter, background sent", "list of recommendations"} {
			if !get[bool](b.tab, `reads(".lab-table", `+quote(effect)+`) || plain($(".lab-table").innerText).replaceAll("\t", " ").includes(`+quote(effect)+`)`) {
				b.t.Errorf("there is no effect %q:\n%s", effect, get[string](b.tab, `$(".lab-table").innerText`))
			}
		}
		if background < first {
			return
		}
		if try == 5 {
			b.t.Error("in five runs, jobs began before the response had ended")
			return
		}
		b.experiment("inline-or-background")
	}
}

// bigOrSmall: a failure in the middle makes the big job send letters twice, and the small ones none.
func (b *labTab) bigOrSmall() {
	b.t.Helper()
	again := get[[]string](b.tab, `[...$$(".lab-table tbody tr")].map((r) => r.lastElementChild.innerText.trim())`)
	if fmt.Sprint(again) != "[0 0 0 0 0 0 4 0]" {
		b.t.Errorf("letters sent twice: %v", again)
	}
}

// failsTwice: two failed attempts come before the one that sends.
func (b *labTab) failsTwice() {
	b.t.Helper()
	if looks := get[string](b.tab, `[...$(".fall-lane").querySelectorAll("rect")].map((r) => r.className.baseVal).join(" ")`); looks !=
		"bar-wait bar-failed bar-backoff bar-wait bar-failed bar-backoff bar-wait bar-attempt" {
		b.t.Errorf("the job's lane: %s", looks)
	}
}

// whereDidItCommit: no orphans in one transaction, some with a queue beside the database.
func (b *labTab) whereDidItCommit() {
	b.t.Helper()
	orphans := get[[]string](b.tab, `[...$$(".lab-figures strong")].map((e) => e.innerText)`)
	if len(orphans) != 2 || orphans[0] != "0" || orphans[1] == "0" {
		b.t.Errorf("orphans %v, want 0 and more than 0", orphans)
	}
}
