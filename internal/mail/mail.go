// Package mail sends letters to readers, once each as far as SMTP allows, and keeps every one of them for the reader's
// mailbox. A row of table message decides whether a letter is sent; job deliver_mail sends it.
package mail

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// Kind is what a message is about; who composes it and what happens after an uncertain delivery depend on it.
type Kind string

// The kinds of mail.
const (
	KindWelcome Kind = "welcome" // the account exists
	KindReady   Kind = "ready"   // new recommendations; the reader can switch it off
	KindReset   Kind = "reset"   // a link to choose a new password
)

// Title names a message that has not been written yet, or never was.
func (k Kind) Title() string {
	switch k {
	case KindWelcome:
		return "Welcome to Backlist"
	case KindReady:
		return "Your recommendations are ready"
	case KindReset:
		return "Choose a new password"
	}
	return "A letter from Backlist"
}

// repeatable says whether the kind may be sent again when nobody knows whether it arrived. A second reset letter does
// no harm: it carries a new link, and the first one's is dead. Anything else would be a duplicate.
func (k Kind) repeatable() bool { return k == KindReset }

// Letter is what a kind's composer makes: plain content, of which this package makes HTML and text.
type Letter struct {
	Subject     string
	Greeting    string // "Dear Odo,"
	Paragraphs  []string
	Items       []Item   // a list, such as recommended books
	Action      *Link    // the one thing to do
	After       []string // paragraphs after the action
	Secret      bool     // Action.URL is a secret: the database and the mailbox keep the letter without it
	Unsubscribe bool     // has a way out; only for kinds that a reader can switch off
}

// Item is an entry of a letter's list. Detail and URL may be empty.
type Item struct{ Title, Detail, URL string }

// Link is an address and the words on it.
type Link struct{ Text, URL string }

// Compose makes the letter of a message, inside the transaction that marks it as being sent: what it writes is rolled
// back if the letter is not sent. base is the site's URL without a final slash. It returns ErrGone when what the mail
// was about no longer exists or is no longer wanted; then nothing is sent.
type Compose func(ctx context.Context, tx pgx.Tx, msg store.Message, base string) (Letter, error)

// ErrGone says that a message has lost its reason.
var ErrGone = errors.New("what this mail was about no longer exists or is no longer wanted")

// The states of a message, as table message has them.
const (
	StateQueued      = "queued"
	StateSending     = "sending"
	StateSent        = "sent"
	StateFailed      = "failed"      // for good
	StateUnconfirmed = "unconfirmed" // it may have arrived
)

// The ways that a message can take, as table message has them.
const (
	TransportSMTP    = "smtp"
	TransportMailbox = "mailbox" // no mail server is configured: the mailbox is where it is read
)
