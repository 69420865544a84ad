package reader

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// sessionDays is SessionLife in days.
const sessionDays = 60

// SessionLife is how long a session and its cookie last after the session was last seen.
const SessionLife = sessionDays * 24 * time.Hour

// Session is the account of a request, with only the data that every page needs.
type Session struct {
	ReaderID       int64
	Name, Email    string
	Role           Role      // in the console
	TimeZone       string    // IANA name
	RatingsVersion int64     // of the reader at this moment
	SignedIn       time.Time // when the password was last given, by the database's clock
	Stale          bool      // last seen over an hour ago: call Touch and send the cookie again
}

// newToken returns 256 random bits for a cookie or a link, and their hash for the database.
func newToken() (token string, hash []byte) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // it cannot fail: crypto/rand ends the program instead
	token = base64.RawURLEncoding.EncodeToString(random)
	return token, hashToken(token)
}

// hashToken returns the plain SHA-256: 256 random bits need neither a salt nor a slow hash.
func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// StartSession starts a session of a reader and returns the cookie's value; only its hash is stored.
func StartSession(ctx context.Context, tx pgx.Tx, readerID int64) (token string, err error) {
	token, hash := newToken()
	err = store.New().SessionInsert(ctx, tx, store.SessionInsertParams{
		TokenHash: hash, ReaderID: readerID, Days: sessionDays,
	})
	if err != nil {
		return "", fmt.Errorf("start a session of reader %d: %w", readerID, err)
	}
	return token, nil
}

// BySession returns the session of a cookie, in one query, or pgx.ErrNoRows if there is none or it has expired.
func BySession(ctx context.Context, db store.DBTX, token string) (Session, error) {
	row, err := store.New().SessionReader(ctx, db, hashToken(token))
	if err != nil {
		return Session{}, fmt.Errorf("find a session: %w", err)
	}
	return newSession(row), nil
}

// HoldRole returns the session of a cookie like BySession. If the account has a role, ending the session and changing the
// role wait until tx ends, so an act in tx and the removal of the right to it exclude each other. The errors are
// BySession's.
func HoldRole(ctx context.Context, tx pgx.Tx, token string) (Session, error) {
	row, err := store.New().SessionHoldRole(ctx, tx, hashToken(token))
	if errors.Is(err, pgx.ErrNoRows) {
		session, err := BySession(ctx, tx, token)
		session.Role = RoleNone // a role that was added since is not held
		return session, err
	}
	if err != nil {
		return Session{}, fmt.Errorf("hold the role of a session: %w", err)
	}
	return newSession(store.SessionReaderRow(row)), nil
}

func newSession(row store.SessionReaderRow) Session {
	return Session{
		ReaderID: row.ID, Name: row.Name, Email: row.Email, Role: Role(row.Role), TimeZone: row.TimeZone,
		RatingsVersion: row.RatingsVersion, SignedIn: row.SignedIn, Stale: row.Stale,
	}
}

// Touch extends a session to SessionLife from now. It writes at most once an hour; call it if Session.Stale is set.
func Touch(ctx context.Context, db store.DBTX, token string) error {
	return store.New().SessionTouch(ctx, db, sessionDays, hashToken(token))
}

// EndSession closes the session of a cookie; it is not an error if there is none.
func EndSession(ctx context.Context, db store.DBTX, token string) error {
	_, err := store.New().SessionDelete(ctx, db, hashToken(token))
	return err
}

// RenewSession replaces the session of a cookie by a new one, and returns the new cookie's value. The caller must have
// verified the reader's password, like a sign-in. If the session has ended it returns pgx.ErrNoRows.
func RenewSession(ctx context.Context, tx pgx.Tx, readerID int64, token string) (renewed string, err error) {
	n, err := store.New().SessionDelete(ctx, tx, hashToken(token))
	if err == nil && n == 0 {
		err = pgx.ErrNoRows
	}
	if err != nil {
		return "", fmt.Errorf("renew a session of reader %d: %w", readerID, err)
	}
	return StartSession(ctx, tx, readerID)
}

// EndSessions closes all sessions of a reader except the one of exceptToken, if that is not "", and returns their
// number.
func EndSessions(ctx context.Context, tx pgx.Tx, readerID int64, exceptToken string) (int64, error) {
	return store.New().SessionDeleteOthers(ctx, tx, readerID, hashToken(exceptToken))
}

// PruneSessions deletes expired sessions and returns their number.
func PruneSessions(ctx context.Context, db store.DBTX) (int64, error) {
	return store.New().SessionPrune(ctx, db)
}
