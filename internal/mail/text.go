package mail

import "strings"

// text returns a letter as plain text. A paragraph is one line, which the mail program wraps; blank lines separate the
// blocks.
func text(l Letter, base, unsubscribe string) string {
	var blocks []string
	if l.Greeting != "" {
		blocks = append(blocks, l.Greeting)
	}
	blocks = append(blocks, l.Paragraphs...)
	if len(l.Items) > 0 {
		blocks = append(blocks, list(l.Items))
	}
	if l.Action != nil && l.Action.URL != "" {
		blocks = append(blocks, l.Action.Text+":\n"+l.Action.URL)
	}
	blocks = append(blocks, l.After...)
	footer := "Sent by Backlist, where you have an account: " + base
	if unsubscribe != "" {
		footer += "\nStop this kind of mail: " + unsubscribe
	}
	return strings.Join(append(blocks, footer), "\n\n") + "\n"
}

func list(items []Item) string {
	var lines []string
	for _, i := range items {
		lines = append(lines, "* "+i.Title)
		if i.Detail != "" {
			lines = append(lines, "  "+i.Detail)
		}
		if i.URL != "" {
			lines = append(lines, "  "+i.URL)
		}
	}
	return strings.Join(lines, "\n")
}
