package app

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// importInBrowser has a site of its own, because it kills the worker. A reader imports a file, watches the progress, the worker is
// killed in the middle, and the next one ends the import with each row once. Then the reader decides an unclear row, imports the file
// again, which changes nothing, and takes the import back.
func importInBrowser(t *testing.T, browser context.Context) {
	s := openSite(t, browser)
	s.startWorker()
	r := s.newReader(t, "Iris")
	b := s.openAs(t, r)
	b.expect("status of 422", "ERR_INCOMPLETE_CHUNKED_ENCODING", "network error")
	b.goTo("/shelf")
	b.press("Import your books from another site")
	b.sees("h1", "Import your books")
	b.noViolations("imports")
	b.chooses("notes.pdf", "%PDF-1.7")
	b.press("Import")
	b.sees(".field-error", "The file is a PDF")
	b.noViolations("a refused file")

	const rows = 700
	release := holding(t, s.db, "lock table imported in access exclusive mode")
	b.chooses("library.csv", importFile(rows))
	b.press("Import")
	b.sees(".standing-line", "50 % done")
	b.sees(".standing-more", "Now at")
	b.noViolations("an import that runs")
	later := b.another()
	later.goTo(get[string](b, "location.pathname"))
	later.sees(".standing-line", "50 % done")
	s.worker.kill()
	release()
	s.worker = nil
	s.startWorker()
	for _, tab := range []*tab{b, later} {
		tab.sees(".standing-line", "Your books are here.")
	}
	counts := func(want string) {
		t.Helper()
		if got := get[string](b, `$$(".import-counts > div").map((d) => plain(d.querySelector("strong").innerText + " " + d.querySelector("dt").innerText)).join(", ")`); got != want {
			b.show()
			t.Errorf("counts %q, want %q", got, want)
		}
	}
	counts("700 added, 1 unclear, 1 failed")
	b.sees(".import-problems", "The rating “9” is not a number from 0 to 5.")
	b.noViolations("an import that has ended")
	b.run(window(375, 700))
	b.fitsPhone("an import that has ended")
	b.run(window(1280, 900))

	b.click("input[name=choice][value='-1']")
	b.press("Decide: Emma")
	b.sees("#flash", "That row is settled.")
	counts("701 added, 1 failed")
	b.goTo("/shelf?tab=rated")
	b.sees("main", "701")

	b.goTo("/imports")
	b.sees(".import-past", "701 added")
	b.chooses("library.csv", importFile(rows))
	b.press("Import")
	b.sees(".standing-line", "Your books are here.")
	counts("701 unchanged, 1 failed")
	b.goTo("/imports")
	get[bool](b, `$$(".import-past a").at(-1).click() ?? true`)
	b.press("Undo this import")
	b.sees(".standing-line", "This import was undone.")
	b.noViolations("an import that is undone")
	b.goTo("/shelf?tab=rated")
	b.sees("main", "No ratings yet")
}

// importFile returns a file with this number of invented books, one that may be another and one with a wrong rating.
func importFile(rows int) string {
	var b strings.Builder
	b.WriteString("Title,Author,My Rating,Exclusive Shelf,Date Read\n")
	for i := range rows {
		fmt.Fprintf(&b, "Invented Book %d,Iva Writer%d,%d,read,2020/01/02\n", i, i, 1+i%5)
	}
	return b.String() + "Emma,Nora Austen,4,read,\nToo Good,Iva Writer,9,read,\n"
}

// chooses puts a file into the form, as if the reader had chosen it.
func (b *tab) chooses(name, content string) {
	b.t.Helper()
	get[bool](b, `(() => {
		const transfer = new DataTransfer();
		transfer.items.add(new File([`+quote(content)+`], `+quote(name)+`));
		$("#file").files = transfer.files;
		return true;
	})()`)
}
