package mail

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/backlist/backlist/internal/store"
	views "github.com/backlist/backlist/views/mail"
)

// Envelope is a rendered letter with everything that the mail server needs.
type Envelope struct {
	To          string
	MessageID   string // the part before the @
	Date        time.Time
	Subject     string
	Text, HTML  string
	StoredText  string // Text without secret links, for the database and the mailbox
	Unsubscribe string // URL; empty if the reader cannot unsubscribe
	Base        string // the site's URL
	Repeatable  bool   // may be sent twice: see Kind.repeatable
}

// Render makes HTML and text of a letter. secret signs the link that stops this kind of mail. A secret link is not
// stored; the sentence in its place depends on delivered, which is whether the site has a mail server.
func Render(ctx context.Context, l Letter, msg store.Message, base, secret string, delivered bool) (Envelope, error) {
	l = clean(l)
	e := Envelope{To: msg.ToAddress, MessageID: msg.MessageID, Date: msg.CreatedAt, Subject: l.Subject, Base: base}
	e.Repeatable = Kind(msg.Kind).repeatable()
	if l.Unsubscribe {
		e.Unsubscribe = base + "/unsubscribe/" + Token(secret, msg.ReaderID, Kind(msg.Kind))
	}
	e.Text = text(l, base, e.Unsubscribe)
	e.StoredText = e.Text
	if l.Secret && l.Action != nil {
		e.StoredText = text(withoutSecret(l, delivered), base, e.Unsubscribe)
	}
	var html strings.Builder
	if err := views.Page(display(l, base, e.Unsubscribe)).Render(ctx, &html); err != nil {
		return Envelope{}, fmt.Errorf("render the letter as HTML: %w", err)
	}
	e.HTML = html.String()
	return e, nil
}

// withoutSecret replaces every occurrence of the secret link, and explains why.
func withoutSecret(l Letter, delivered bool) Letter {
	sentence := "(The link is secret: it went out with the mail and is not kept here.)"
	if !delivered {
		sentence = "(The link is secret and is not kept here. This site sends no mail yet: ask its operator for a link.)"
	}
	secret := l.Action.URL
	hide := func(s string) string { return strings.ReplaceAll(s, secret, "(secret link)") }
	hidden := Letter{
		Subject: l.Subject, Greeting: hide(l.Greeting), Paragraphs: each(l.Paragraphs, hide), Items: l.Items,
		After: append([]string{sentence}, each(l.After, hide)...),
	}
	return hidden
}

// maxSubject is in characters. Mail programs cut longer subjects.
const maxSubject = 200

// clean makes every text of a letter one line of valid UTF-8 without control characters, so that none can begin a
// header, end the message, or be refused by the database.
func clean(l Letter) Letter {
	l.Subject = line(l.Subject)
	if runes := []rune(l.Subject); len(runes) > maxSubject {
		l.Subject = string(runes[:maxSubject-1]) + "…"
	}
	l.Greeting = line(l.Greeting)
	if linkLike.MatchString(l.Greeting) {
		l.Greeting = "Dear reader,"
	}
	l.Paragraphs, l.After = each(l.Paragraphs, line), each(l.After, line)
	items := make([]Item, len(l.Items))
	for i, item := range l.Items {
		items[i] = Item{Title: line(item.Title), Detail: line(item.Detail), URL: address(item.URL)}
	}
	l.Items = items
	if l.Action != nil {
		l.Action = &Link{Text: line(l.Action.Text), URL: address(l.Action.URL)}
	}
	return l
}

// linkLike matches text that mail programs turn into links. Anyone can sign up with another person's address and a name
// of their choice: the greeting must not carry an advertisement there.
var linkLike = regexp.MustCompile(`[/\\@:]|\pL\.\pL{2}`)

func each(texts []string, f func(string) string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = f(t)
	}
	return out
}

func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}

// address is a link's target, or nothing if it is not one that a mail may have.
func address(u string) string {
	u = line(u)
	if strings.ContainsAny(u, " <>\"") || !(strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://")) {
		return ""
	}
	return u
}

func display(l Letter, base, unsubscribe string) views.Letter {
	d := views.Letter{
		Subject: l.Subject, Greeting: l.Greeting, Paragraphs: l.Paragraphs, After: l.After,
		Site: views.Link{Text: "Backlist", URL: base}, Unsubscribe: unsubscribe,
	}
	for _, i := range l.Items {
		d.Items = append(d.Items, views.Item(i))
	}
	if l.Action != nil {
		d.Action = views.Link(*l.Action)
	}
	return d
}
