package mail

import (
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/store"
)

// TestGreetingCarriesNoLink: signing up with another person's address and a link for a name does not send them the
// link.
func TestGreetingCarriesNoLink(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"J.R.R. Tolkien":               "Dear J.R.R. Tolkien,",
		"Jr. Odo, Esq.":                "Dear Jr. Odo, Esq.,",
		"Ødegård О. Иванова":           "Dear Ødegård О. Иванова,",
		"Win at https://evil.example":  "Dear reader,",
		"you! claim at evil.example":   "Dear reader,",
		"write to prize@evil":          "Dear reader,",
		"пример.рф":                    "Dear reader,",
		"odo\r\n\r\nSee evil.example:": "Dear reader,",
	} {
		letter := Letter{Subject: "Welcome", Greeting: "Dear " + name + ","}
		e, err := Render(t.Context(), letter, store.Message{Kind: string(KindWelcome)}, "https://site.example", "secret", true)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(e.Text, want+"\n\n") || !strings.Contains(e.HTML, ">"+want+"</p>") {
			t.Errorf("name %q: greeting %.60q", name, e.Text)
		}
	}
}
