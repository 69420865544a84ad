package web

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"time"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/form"
	"github.com/backlist/backlist/internal/importer/listing"
)

const (
	// uploadsMost is the number of files that this process receives at once.
	uploadsMost = 2
	// uploadTime bounds a whole upload.
	uploadTime = 15 * time.Minute
	// uploadPatience is how long the next uploadPiece bytes may take.
	uploadPatience = 20 * time.Second
	uploadPiece    = 64 << 10
	// uploadFrame is what the form adds to the file.
	uploadFrame = 64 << 10
)

var uploadLimits = answer.Limits{Time: uploadTime, Body: listing.MaxBytes + uploadFrame}

// patient is the body of an upload. Each piece of it has a deadline of its own, so that a slow connection may take minutes, but one
// that sends a byte a second may not.
type patient struct {
	body    io.Reader
	control *http.ResponseController
	left    int // of the piece
}

func (p *patient) Read(b []byte) (int, error) {
	if p.left <= 0 {
		p.left = uploadPiece
		if err := p.extend(uploadPatience); err != nil {
			return 0, err
		}
	}
	n, err := p.body.Read(b)
	p.left -= n
	return n, err
}

// extend moves the deadline. At the end of the body it must be far enough for the answer, because a passed deadline cancels the request.
func (p *patient) extend(d time.Duration) error {
	err := p.control.SetReadDeadline(time.Now().Add(d))
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("bound an upload: %w", err)
	}
	return nil
}

// tooLarge is the sentence about a file over the limit.
var tooLarge = fmt.Sprintf("The file is larger than %d MB, which is the limit. Split it into several files.", listing.MaxBytes>>20)

// spool writes the form's file to a temporary file, which the caller closes and which has no name any more. The error is a
// form.Invalid if there is no file or it is too large.
func spool(w http.ResponseWriter, r *http.Request) (file *os.File, name string, err error) {
	if r.ContentLength > uploadLimits.Body {
		return nil, "", form.Invalid{"file": tooLarge}
	}
	body := &patient{body: r.Body, control: http.NewResponseController(w)}
	r.Body = struct {
		io.Reader
		io.Closer
	}{body, r.Body}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, "", form.Invalid{"file": "Choose a file to import."}
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, "", form.Invalid{"file": "Choose a file to import."}
		}
		if err != nil {
			return nil, "", uploadError(err)
		}
		if part.FormName() == "file" && part.FileName() != "" {
			file, err := keep(part)
			return file, form.Shown(part.FileName()), errors.Join(err, body.extend(uploadTime))
		}
	}
}

// keep copies the part to a temporary file.
func keep(part *multipart.Part) (*os.File, error) {
	file, err := os.CreateTemp("", "backlist-import-")
	if err != nil {
		return nil, fmt.Errorf("keep an upload: %w", err)
	}
	_ = os.Remove(file.Name()) // it is open; a file that remains is removed with the system's temporary files
	n, err := io.Copy(file, io.LimitReader(part, listing.MaxBytes+1))
	switch {
	case err != nil:
		err = uploadError(err)
	case n > listing.MaxBytes:
		err = form.Invalid{"file": tooLarge}
	default:
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// uploadError explains why the body could not be read.
func uploadError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return form.Invalid{"file": tooLarge}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &answer.Error{
			Status: http.StatusRequestTimeout, Headline: "The upload was too slow", Err: err,
			Sentence: "The file did not arrive in time, so nothing was imported.", Advice: "Try again with a better connection.",
		}
	}
	return &answer.Error{
		Status: http.StatusBadRequest, Headline: "The file did not arrive", Err: err,
		Sentence: "The upload was cut off or garbled, so nothing was imported.", Advice: "Try again.",
	}
}
