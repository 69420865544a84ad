package recommend

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/store"
)

// inLetter is the number of books in a letter; the page shows all of them.
const inLetter = 5

// tell queues the mail "your recommendations are ready", at most one per reader and local day. It goes to readers who
// want it, and only if the list is made from their own ratings.
func (w *ReaderWorker) tell(
	ctx context.Context, tx pgx.Tx, readerID int64, reader store.RecommendLockReaderRow, c choice,
) error {
	if w.Quiet || !reader.MailReady || c.basis != Neighbours || c.ratings < MinRatings {
		return nil
	}
	now := time.Now
	if w.Now != nil {
		now = w.Now
	}
	_, err := mail.Queue(ctx, tx, w.Jobs, mail.Draft{
		ReaderID: readerID, Kind: mail.KindReady, To: reader.Email,
		Key: fmt.Sprintf("ready:%d:%s", readerID, localDay(now(), reader.TimeZone)),
	})
	return err
}

// localDay returns the date in the reader's time zone, or in UTC if this machine does not know the zone: the date is
// only part of the mail's key.
func localDay(now time.Time, zone string) string {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	return now.In(loc).Format(time.DateOnly)
}

// ReadyLetter composes that mail from the list at the time of sending, which may be hours after the mail was queued.
func ReadyLetter(ctx context.Context, tx pgx.Tx, msg store.Message, base string) (mail.Letter, error) {
	to, err := store.New().RecommendLetterTo(ctx, tx, msg.ReaderID)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !to.MailReady {
		return mail.Letter{}, mail.ErrGone
	}
	if err != nil {
		return mail.Letter{}, fmt.Errorf("load reader %d: %w", msg.ReaderID, err)
	}
	list, err := List(ctx, tx, msg.ReaderID, longest)
	if err != nil {
		return mail.Letter{}, err
	}
	var items []mail.Item
	for _, item := range list {
		if len(item.Reasons) > 0 && len(items) < inLetter { // a letter shows only books with a reason
			items = append(items, mail.Item{
				Title: item.Title, Detail: detail(item), URL: base + "/books/" + strconv.FormatInt(item.BookID, 10),
			})
		}
	}
	if len(items) == 0 {
		return mail.Letter{}, mail.ErrGone
	}
	return mail.Letter{
		Subject:     "Your recommendations are ready",
		Greeting:    "Dear " + to.Name + ",",
		Paragraphs:  []string{"We have read through your ratings, and these could be your next books:"},
		Items:       items,
		Action:      &mail.Link{Text: "See all your recommendations", URL: base + "/recommendations"},
		After:       []string{"The more books you rate, the better we know your taste."},
		Unsubscribe: true,
	}, nil
}

// detail returns a book's authors and the reasons for it: "by Ursula K. Le Guin, because you liked Kindred and Dune".
func detail(item Item) string {
	var parts []string
	if len(item.Authors) > 0 {
		parts = append(parts, "by "+sentenceList(item.Authors))
	}
	titles := make([]string, len(item.Reasons))
	for i, r := range item.Reasons {
		titles[i] = r.Title
	}
	if len(titles) > 0 {
		parts = append(parts, "because you liked "+sentenceList(titles))
	}
	return strings.Join(parts, ", ")
}

func sentenceList(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
