package site_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/site"
	"github.com/backlist/backlist/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// TestAddress: BASE_URL comes first; otherwise the first sign-up decides, for every process and for good.
func TestAddress(t *testing.T) {
	t.Parallel()
	ctx, tx := t.Context(), testdb.Tx(t)
	if base, err := site.NewAddress("https://books.example").Base(ctx, tx); base != "https://books.example" || err != nil {
		t.Errorf("with BASE_URL: %q, %v", base, err)
	}
	if learnt, err := site.NewAddress("https://books.example").Learn(ctx, tx, "http", "evil.example"); learnt != "" || err != nil {
		t.Errorf("with BASE_URL a sign-up taught %q, %v", learnt, err)
	}
	first, second := site.NewAddress(""), site.NewAddress("")
	if _, err := first.Base(ctx, tx); !errors.Is(err, site.ErrUnknown) {
		t.Errorf("before a sign-up: %v, want ErrUnknown", err)
	}
	for _, host := range []string{strings.Repeat("x", 4000) + ".example", "a@b.example", "books.example:x", "books.example/x", ""} {
		if _, err := first.Learn(ctx, tx, "http", host); !errors.Is(err, site.ErrHost) {
			t.Errorf("host %.30q: %v, want ErrHost", host, err)
		}
	}
	const want = "http://xn--bcher-kva.example"
	if learnt, err := first.Learn(ctx, tx, "http", "bücher.example"); learnt != want || err != nil {
		t.Errorf("learnt %q, %v", learnt, err)
	}
	first.Learnt()
	if learnt, err := first.Learn(ctx, tx, "https", "later.example"); learnt != "" || err != nil {
		t.Errorf("learnt %q, %v, though an address is known", learnt, err)
	}
	if learnt, err := second.Learn(ctx, tx, "https", "later.example"); learnt != want || err != nil {
		t.Errorf("another process learnt %q, %v, want the address that is stored", learnt, err)
	}
	if base, err := second.Base(ctx, tx); base != want || err != nil {
		t.Errorf("another process has %q, %v", base, err)
	}
	if err := site.Set(ctx, tx, "http://localhost:5001"); err != nil {
		t.Fatal(err)
	}
	if base, err := second.Base(ctx, tx); base != "http://localhost:5001" || err != nil {
		t.Errorf("after Set: %q, %v", base, err)
	}
}
