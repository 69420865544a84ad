package mail

import (
	"regexp"
	"strings"
)

// Span is a run of text. With a URL it is a link, which is always http or https.
type Span struct{ Text, URL string }

// webAddress ends at white space, or at a mark that an address cannot contain. The sentence's own punctuation is cut
// off afterwards.
var webAddress = regexp.MustCompile(`https?://[^\s<>"“”]+`)

// Paragraphs splits a message's text for display: into paragraphs at blank lines, and each of them into spans whose
// texts together are the paragraph, line ends included.
func Paragraphs(bodyText string) [][]Span {
	var out [][]Span
	for _, p := range strings.Split(strings.ReplaceAll(bodyText, "\r\n", "\n"), "\n\n") {
		if p = strings.Trim(p, "\n"); strings.TrimSpace(p) != "" {
			out = append(out, spans(p))
		}
	}
	return out
}

func spans(p string) []Span {
	var out []Span
	rest := 0
	for _, at := range webAddress.FindAllStringIndex(p, -1) {
		url := strings.TrimRight(p[at[0]:at[1]], ".,;:!?)]}'")
		if strings.HasSuffix(url, "//") {
			continue // a scheme alone
		}
		if at[0] > rest {
			out = append(out, Span{Text: p[rest:at[0]]})
		}
		out = append(out, Span{Text: url, URL: url})
		rest = at[0] + len(url)
	}
	if rest < len(p) {
		out = append(out, Span{Text: p[rest:]})
	}
	return out
}
