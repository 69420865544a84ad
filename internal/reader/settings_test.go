package reader

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/form"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	s, err := Settings{Name: " Odo  Proudfoot ", TimeZone: "Europe/London"}.Check()
	if err != nil {
		t.Fatal(err)
	}
	if err := SaveSettings(ctx, b.tx, b.odo.ID, s); err != nil {
		t.Fatal(err)
	}
	r, err := ByID(ctx, b.tx, b.odo.ID)
	if err != nil || r.Name != "Odo Proudfoot" || r.TimeZone != "Europe/London" || r.MailReady {
		t.Errorf("%+v, %v", r, err)
	}
	if err := SaveSettings(ctx, b.tx, -1, s); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("settings of an unknown reader: %v", err)
	}
	for _, zone := range []string{"", "Local", "Nowhere/Land", "../../etc/passwd", "/etc/localtime", "posixrules", "Europe/London\x00", "\xff", "Europe", strings.Repeat("E", 10_000)} {
		_, err := Settings{Name: "Odo", TimeZone: zone}.Check()
		if v, ok := errors.AsType[form.Invalid](err); !ok || len(v) != 1 || v["time_zone"] == "" {
			t.Errorf("%.30q: %v", zone, err)
		}
	}
	if _, err := (Settings{Name: "O\x00", TimeZone: "UTC"}).Check(); err == nil {
		t.Error("a NUL in the name is accepted")
	}
}

func TestTimeZones(t *testing.T) {
	t.Parallel()
	b := setup(t)
	zones := TimeZones()
	if len(zones) < 80 || !slices.IsSorted(zones) || len(slices.Compact(slices.Clone(zones))) != len(zones) {
		t.Errorf("%d zones, unsorted or with duplicates", len(zones))
	}
	for _, zone := range zones {
		if !knownZone(zone) {
			t.Errorf("Go does not know %s", zone)
		}
	}
	if n := b.count(t, "select count(*) from unnest($1::text[]) z left join pg_timezone_names p on p.name = z where p.name is null", zones); n != 0 {
		t.Errorf("Postgres does not know %d of them", n)
	}
	if own := TimeZones("Pacific/Chatham"); len(own) != len(zones)+1 || !slices.Contains(own, "Pacific/Chatham") || !slices.IsSorted(own) {
		t.Error("the reader's own zone is missing")
	}
	if len(TimeZones("UTC")) != len(zones) || len(TimeZones("")) != len(zones) {
		t.Error("a duplicate or an empty zone")
	}
}
