package web

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/importer/listing"
)

// upload sends a file as the form does.
func (s *testSite) upload(content string) response {
	s.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "books.csv")
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := io.WriteString(part, content); err != nil {
		s.t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.header.Set("Content-Type", form.FormDataContentType())
	defer s.header.Del("Content-Type")
	return s.do(http.MethodPost, "/imports", &body)
}

const books = "title,author,rating,shelf\nEmma,Jane Austen,4,read\nNo Stars,Jane Austen,7,read\n"

func TestUpload(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.get("/imports").leadsTo("/signin?next=%2Fimports")
	s.signUp("Odo")
	s.get("/imports").wants(http.StatusOK, "at most 20 MB and 50,000 rows")
	answer := s.upload(books)
	path := answer.Header.Get("Location")
	answer.leadsTo(path)
	s.get(path).wants(http.StatusOK, "books.csv", "2 rows", "Your file has arrived.", "Stop the import")
	if n := s.count("select count(*) from river.river_job where kind = 'import_books'"); n != 1 {
		t.Errorf("%d jobs", n)
	}
	s.upload(books).wants(http.StatusConflict, "Another import of yours is not finished.")
	s.post(path+"/undo", nil).wants(http.StatusConflict, "That is no longer possible")
	s.post(path+"/stop", nil).leadsTo(path)
	s.get(path).wants(http.StatusOK, "You stopped this import.", "not imported", "The rating “7” is not a number from 0 to 5.", "No Stars")
	s.get("/imports").wants(http.StatusOK, "books.csv", "stopped")
	csv := s.get(path + "/rows.csv")
	if want := "3,No Stars,,failed,The rating “7” is not a number from 0 to 5.\n"; csv.Status != http.StatusOK || !strings.Contains(csv.Body, want) {
		t.Errorf("%d %s", csv.Status, csv.Body)
	}
	s.post(path+"/rows/1", url.Values{"choice": {"-1"}}).wants(http.StatusConflict)
	s.post(path+"/rows/1", nil).wants(http.StatusUnprocessableEntity)
	s.post(path+"/undo", nil).leadsTo(path)
	s.get(path).wants(http.StatusOK, "This import was undone.")

	s.cookie = map[string]string{}
	s.signUp("Una")
	for _, other := range []string{path, path + "/rows.csv", path + "/events", "/imports/x"} {
		s.get(other).wants(http.StatusNotFound)
	}
	s.post(path+"/stop", nil).wants(http.StatusNotFound)
}

// TestUploadRefused: each wrong file gets a sentence on the page with the form, and nothing is stored.
func TestUploadRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signUp("Odo")
	for content, want := range map[string]string{
		"%PDF-1.7":             "The file is a PDF",
		"PK\x03\x04":           "The file is a ZIP archive or a spreadsheet",
		"\x89PNG\r\n":          "The file is an image",
		"":                     "The file is empty.",
		"Titel,Autor\n":        "must name its columns",
		"title,author,rating":  "no rows below them",
		"title,author,rating,": "no rows below them",
		"title,author,rating\n" + strings.Repeat("a,b,3\n", listing.MaxRows+1): "more than 50,000 rows",
	} {
		s.upload(content).wants(http.StatusUnprocessableEntity, "Import your books", want)
	}
	s.upload(strings.Repeat("a", listing.MaxBytes+1)).wants(http.StatusRequestEntityTooLarge, "larger than 20 MB")
	s.upload(strings.Repeat("a", listing.MaxBytes+uploadFrame)).wants(http.StatusRequestEntityTooLarge, "larger than 20 MB")
	s.post("/imports", nil).wants(http.StatusUnprocessableEntity, "Choose a file to import.")
	s.header.Set("Content-Type", "multipart/form-data; boundary=x")
	s.do(http.MethodPost, "/imports", strings.NewReader("--x\r\nContent-")).wants(http.StatusBadRequest, "did not arrive")
	s.header.Set("Sec-Fetch-Site", "cross-site")
	s.post("/imports", nil).wants(http.StatusForbidden)
	if n := s.count("select count(*) from import"); n != 0 {
		t.Errorf("%d imports", n)
	}
}

// TestUploadWithoutEnd: a body without a length that goes on for gigabytes is refused once it is over the limit.
func TestUploadWithoutEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signUp("Odo")
	endless := io.MultiReader(strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n"), letters{})
	s.header.Set("Content-Type", "multipart/form-data; boundary=x")
	s.do(http.MethodPost, "/imports", struct{ io.Reader }{endless}).wants(http.StatusRequestEntityTooLarge, "larger than 20 MB")
}

type letters struct{}

func (letters) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'a'
	}
	return len(b), nil
}

// TestUploadsAtOnce: beyond two arriving files a third is asked to wait.
func TestUploadsAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signUp("Odo")
	s.server.uploads.Add(uploadsMost)
	s.upload(books).wants(http.StatusServiceUnavailable, "Other files are arriving")
	s.server.uploads.Add(-uploadsMost)
	s.upload(books).wants(http.StatusSeeOther)
	if n := s.server.uploads.Load(); n != 0 {
		t.Errorf("%d uploads are counted at the end", n)
	}
}

// TestSlowUpload: each piece of a body has one deadline, however small the reads are.
func TestSlowUpload(t *testing.T) {
	t.Parallel()
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	p := &patient{body: struct{ io.Reader }{letters{}}, control: http.NewResponseController(w)}
	one := make([]byte, 1)
	for range uploadPiece {
		if _, err := p.Read(one); err != nil {
			t.Fatal(err)
		}
	}
	if w.set != 1 {
		t.Errorf("%d deadlines for a piece, want 1", w.set)
	}
	if _, err := p.Read(one); err != nil || w.set != 2 {
		t.Errorf("%d deadlines after it, want 2 (%v)", w.set, err)
	}
	if err := uploadError(errors.Join(http.ErrBodyReadAfterClose)); !strings.Contains(err.Error(), "400") {
		t.Errorf("%v", err)
	}
}

type deadlines struct {
	*httptest.ResponseRecorder
	set int
}

func (d *deadlines) SetReadDeadline(time.Time) error {
	d.set++
	return nil
}

// TestSettleOnPage: the page lists the books that a row may be, and the reader decides.
func TestSettleOnPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	me := s.signUp("Odo")
	id := s.book("Quay-Dick")
	var in int
	if err := s.tx.QueryRow(t.Context(), `insert into import (reader_id, file_name, format, rows, ended_at, counts)
		values ($1, 'a.csv', 'CSV', 1, now(), '{"unclear": 1}') returning id`, me).Scan(&in); err != nil {
		t.Fatal(err)
	}
	if _, err := s.tx.Exec(t.Context(), `insert into import_row (import_id, n, line, title, stars, outcome, reason, candidates)
		values ($1, 1, 2, 'Quay Dick', 8, 'unclear', 'A book here is similar.', array[$2::bigint])`, in, id); err != nil {
		t.Fatal(err)
	}
	path := "/imports/" + strconv.Itoa(in)
	s.get(path).wants(http.StatusOK, "Which book is it?", "A book here is similar.", "Quay-Dick", "Another book: add it")
	s.post(path+"/rows/1", url.Values{"choice": {strconv.FormatInt(id, 10)}}).leadsTo(path)
	if page := s.get(path).wants(http.StatusOK, "added"); strings.Contains(page.text(), "Which book is it?") {
		t.Error("the row is still open")
	}
	if n := s.count("select stars from rating where reader_id = $1 and book_id = $2", me, id); n != 8 {
		t.Errorf("%d half stars", n)
	}
}
