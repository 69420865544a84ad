package reader

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/form"
	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/work"
)

// The length of a password in characters. Eight is the minimum of NIST SP 800-63B; the maximum only excludes what no
// user types.
const (
	minPassword = 8
	maxPassword = 200
)

// SignUp is the input of a new reader.
type SignUp struct {
	Name, Email, Password string
	Quiet                 bool // no mail about new recommendations
}

// Check returns s cleaned, for the next page or the database, and form.Invalid with a sentence for each invalid field
// of name, email and password. The password is not changed.
func (s SignUp) Check() (SignUp, error) {
	v := form.Invalid{}
	s.Name = v.Text("name", "Your name", s.Name, 1, 80)
	s.Email = strings.TrimSpace(s.Email)
	if !form.Clean(s.Email) {
		s.Email = v.Text("email", "Your e-mail address", s.Email, 0, maxEmail)
	} else if problem := checkEmail(s.Email); problem != "" {
		v["email"] = problem
	}
	if problem := checkPassword(s.Email, s.Password); problem != "" {
		v["password"] = problem
	}
	return s, v.Err()
}

// CheckPassword returns form.Invalid{"password": …} if password is not allowed for the account with that address.
func CheckPassword(email, password string) error {
	if problem := checkPassword(email, password); problem != "" {
		return form.Invalid{"password": problem}
	}
	return nil
}

func checkPassword(email, password string) string {
	switch n := utf8.RuneCountInString(password); {
	case n == 0:
		return "Your password is missing."
	case !form.Clean(password):
		return "This password contains characters that you could not type again. Please choose another."
	case n < minPassword:
		return fmt.Sprintf("A password needs at least %d characters. A few words in a row do well.", minPassword)
	case n > maxPassword:
		return fmt.Sprintf("A password can have at most %d characters; this has %d.", maxPassword, n)
	case EmailKey(password) == EmailKey(email):
		return "Your e-mail address is too easy to guess as a password. Please choose another."
	}
	return ""
}

// Create stores a new reader, whose SignUp has been checked, with the hash of the password, and queues the welcome
// mail. If the address has an account, regardless of case, the error is form.Invalid for "email", and the transaction
// remains usable.
func Create(ctx context.Context, tx pgx.Tx, jobs *work.Client, s SignUp, hash string) (store.Reader, error) {
	r, err := store.New().ReaderInsert(ctx, tx, store.ReaderInsertParams{
		Email: s.Email, EmailKey: EmailKey(s.Email), Name: s.Name, PasswordHash: hash, MailReady: !s.Quiet,
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return r, form.Invalid{"email": "There is already an account with this address. Sign in, or ask for a new password."}
	}
	if err != nil {
		return r, fmt.Errorf("store a new reader: %w", err)
	}
	_, err = mail.Queue(ctx, tx, jobs, mail.Draft{
		ReaderID: r.ID, Kind: mail.KindWelcome, Key: fmt.Sprintf("welcome:%d", r.ID), To: r.Email,
	})
	if err != nil {
		return r, fmt.Errorf("queue the welcome mail: %w", err)
	}
	return r, nil
}
