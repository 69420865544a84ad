package mail

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/notice"
	"github.com/backlist/backlist/internal/store"
)

// ErrToken means that this site did not make the token, or that it was damaged on its way.
var ErrToken = errors.New("this link is not complete: open it from the mail again, or switch the mail off in your settings")

// Token returns a signed token that switches off one kind of mail for one reader. It permits nothing else, so it does
// not expire: a mail may be read years later.
func Token(secret string, readerID int64, kind Kind) string {
	subject := strconv.FormatInt(readerID, 10) + "." + string(kind)
	return base64.RawURLEncoding.EncodeToString([]byte(subject)) + "." +
		base64.RawURLEncoding.EncodeToString(sign(secret, subject))
}

// ParseToken returns the reader and kind of a token made by Token, or ErrToken.
func ParseToken(secret, token string) (readerID int64, kind Kind, err error) {
	head, tail, _ := strings.Cut(token, ".")
	subject, err1 := base64.RawURLEncoding.DecodeString(head)
	mac, err2 := base64.RawURLEncoding.DecodeString(tail)
	if err1 != nil || err2 != nil || !hmac.Equal(mac, sign(secret, string(subject))) {
		return 0, "", ErrToken
	}
	id, name, _ := strings.Cut(string(subject), ".")
	readerID, err = strconv.ParseInt(id, 10, 64)
	// The decoder ignores line ends and spare bits; only the canonical spelling is accepted.
	if err != nil || Token(secret, readerID, Kind(name)) != token {
		return 0, "", ErrToken
	}
	return readerID, Kind(name), nil
}

// sign includes the purpose, because the same secret may sign other things.
func sign(secret, subject string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("unsubscribe\n" + subject))
	return mac.Sum(nil)
}

// heldBack is the sentence that the mailbox shows for mail that Unsubscribe stopped.
const heldBack = "You switched this mail off before it was sent."

// Unsubscribe switches off a kind of mail for a reader and holds back queued letters of that kind. A letter that is
// being sent at this moment still arrives. A second call, or one for a deleted reader, changes nothing.
func Unsubscribe(ctx context.Context, tx pgx.Tx, readerID int64, kind Kind) error {
	if kind != KindReady {
		return fmt.Errorf("mail of kind %q cannot be switched off", kind)
	}
	if err := store.New().MailReadyOff(ctx, tx, readerID); err != nil {
		return fmt.Errorf("record the mail choice: %w", err)
	}
	held, err := store.New().MessageHoldBack(ctx, tx, store.MessageHoldBackParams{
		Error: heldBack, ReaderID: readerID, Kind: string(kind),
	})
	if err != nil {
		return fmt.Errorf("hold back mail: %w", err)
	}
	if held == 0 {
		return nil
	}
	return notice.Send(ctx, tx, readerID, notice.TopicMail)
}
