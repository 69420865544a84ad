package reader

import (
	"context"
	"fmt"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/form"
	"github.com/backlist/backlist/internal/store"
)

// Settings are what readers choose for themselves.
type Settings struct {
	Name, TimeZone string // TimeZone is an IANA name
	MailReady      bool   // wants mail about new recommendations
}

// Check returns s cleaned, and form.Invalid with a sentence for each invalid field of name and time_zone.
func (s Settings) Check() (Settings, error) {
	v := form.Invalid{}
	s.Name = v.Text("name", "Your name", s.Name, 1, 80)
	s.TimeZone = v.Text("time_zone", "The time zone", s.TimeZone, 1, 64)
	if _, wrong := v["time_zone"]; !wrong && !knownZone(s.TimeZone) {
		v["time_zone"] = "This time zone is not known. Please choose one from the list."
	}
	return s, v.Err()
}

// knownZone reports whether both Go and Postgres know the zone by this name. Names that begin with a small letter are
// other files among the system's zone files.
func knownZone(name string) bool {
	if name == "Local" || !unicode.IsUpper(rune(name[0])) {
		return false
	}
	_, err := time.LoadLocation(name)
	return err == nil
}

// SaveSettings stores checked settings. It returns pgx.ErrNoRows if the account does not exist.
func SaveSettings(ctx context.Context, db store.DBTX, readerID int64, s Settings) error {
	n, err := store.New().ReaderSaveSettings(ctx, db, store.ReaderSaveSettingsParams{
		Name: s.Name, TimeZone: s.TimeZone, MailReady: s.MailReady, ID: readerID,
	})
	if err == nil && n == 0 {
		err = pgx.ErrNoRows
	}
	if err != nil {
		return fmt.Errorf("save the settings of reader %d: %w", readerID, err)
	}
	return nil
}
