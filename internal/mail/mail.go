// Package mail sends letters to readers, once each as far as SMTP allows, and keeps each of them for the reader's
// mailbox. A row of table message decides whether a letter is sent; job deliver_mail sends it.
package mail

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// Kind is what a message is about. It selects the composer, and what happens when it is unknown whether the letter
// arrived.
type Kind string

// The kinds of mail.
const (
	KindWelcome Kind = "welcome" // the account exists
	KindReady   Kind = "ready"   // new recommendations; the reader can switch it off
	KindReset   Kind = "reset"   // a link to choose a new password
	KindLab     Kind = "lab"     // the effect of an experiment
)

// Title is the subject of a message that has not been written, or never was.
func (k Kind) Title() string {
	switch k {
	case KindWelcome:
		return "Welcome to Backlist"
	case KindReady:
		return "Your recommendations are ready"
	case KindReset:
		return "Choose a new password"
	case KindLab:
		return "A letter from the lab"
	}
	return "A letter from Backlist"
}

// repeatable reports whether the kind may be sent again when it is unknown whether it arrived. A second reset letter
// does no harm: it carries a new link, and the first link stops working. Any other letter would be a duplicate.
func (k Kind) repeatable() bool { return k == KindReset }

// Letter is a letter's content as its kind's composer returns it, before it is rendered as HTML and text.
type Letter struct {
	Subject     string
	Greeting    string // "Dear Odo,"
	Paragraphs  []string
	Items       []Item   // a list, such as recommended books
	Action      *Link    // the one thing to do
	After       []string // paragraphs after the action
	Secret      bool     // Action.URL is a secret, which the database and the mailbox must not show
	Unsubscribe bool     // has an unsubscribe link; only for kinds that a reader can switch off
}

// Item is an entry of a letter's list. Detail and URL may be empty.
type Item struct{ Title, Detail, URL string }

// Link is a URL and its text.
type Link struct{ Text, URL string }

// Compose makes the letter of a message. It runs inside the transaction that marks the message as being sent, so its
// writes are rolled back if the letter is not sent. base is the site's URL without a final slash. Compose returns
// ErrGone, and nothing is sent, if the subject of the mail no longer exists or is no longer wanted.
type Compose func(ctx context.Context, tx pgx.Tx, msg store.Message, base string) (Letter, error)

// ErrGone means that a message has lost its subject.
var ErrGone = errors.New("the subject of this mail no longer exists or is no longer wanted")

// The states of a message, as stored in table message.
const (
	StateQueued      = "queued"
	StateSending     = "sending"
	StateSent        = "sent"
	StateFailed      = "failed"      // final
	StateUnconfirmed = "unconfirmed" // it may have arrived
)

// The transports of a message, as stored in table message.
const (
	TransportSMTP    = "smtp"
	TransportMailbox = "mailbox" // no mail server is configured, so the message is only in the mailbox
)
