package reader

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// sessionDays is how long a session lives after it was last seen; see SessionLife.
const sessionDays = 60

// SessionLife is the life of a session from when it was last seen, and so of its cookie.
const SessionLife = sessionDays * 24 * time.Hour

// Session is who a request comes from: what every page needs, and no more.
type Session struct {
	ReaderID       int64
	Name, Email    string
	Role           Role
	TimeZone       string // IANA name
	RatingsVersion int64  // of the reader, now
	Stale          bool   // last seen over an hour ago: Touch it, and send the cookie again
}

// newToken returns 256 random bits for a cookie or a link, and what the database keeps of them.
func newToken() (token string, hash []byte) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // it cannot fail: crypto/rand ends the program instead
	token = base64.RawURLEncoding.EncodeToString(random)
	return token, hashToken(token)
}

// hashToken is plain SHA-256: 256 random bits need no salt and no slowness.
func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// StartSession opens a session for a reader and returns the cookie's value; only its hash is stored.
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

// BySession returns whose session a cookie opens, in one query. If it opens none, or no longer, the error is
// pgx.ErrNoRows.
func BySession(ctx context.Context, db store.DBTX, token string) (Session, error) {
	row, err := store.New().SessionReader(ctx, db, hashToken(token))
	if err != nil {
		return Session{}, fmt.Errorf("find a session: %w", err)
	}
	return Session{
		ReaderID: row.ID, Name: row.Name, Email: row.Email, Role: Role(row.Role),
		TimeZone: row.TimeZone, RatingsVersion: row.RatingsVersion, Stale: row.Stale,
	}, nil
}

// Touch makes a session live SessionLife from now. It writes at most once an hour, so call it where Session.Stale is set.
func Touch(ctx context.Context, db store.DBTX, token string) error {
	return store.New().SessionTouch(ctx, db, sessionDays, hashToken(token))
}

// EndSession closes the session that a cookie opens; it is no error if there is none.
func EndSession(ctx context.Context, db store.DBTX, token string) error {
	return store.New().SessionDelete(ctx, db, hashToken(token))
}

// EndSessions closes all sessions of a reader but the one that exceptToken opens ("" for none), and returns how many.
func EndSessions(ctx context.Context, tx pgx.Tx, readerID int64, exceptToken string) (int64, error) {
	return store.New().SessionDeleteOthers(ctx, tx, readerID, hashToken(exceptToken))
}

// PruneSessions deletes the sessions that are over, which open nothing anyhow, and returns how many.
func PruneSessions(ctx context.Context, db store.DBTX) (int64, error) {
	return store.New().SessionPrune(ctx, db)
}
