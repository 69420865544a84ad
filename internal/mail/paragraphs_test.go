package mail

import (
	"reflect"
	"strings"
	"testing"
)

func TestParagraphs(t *testing.T) {
	t.Parallel()
	got := Paragraphs("Dear Odo,\n\nSee https://a.example/x?y=1. Or (http://b.example)!\n  next line\r\n\r\njavascript:alert(1) https:// \"https://c.example\"\n\n\n\n")
	want := [][]Span{
		{{Text: "Dear Odo,"}},
		{
			{Text: "See "},
			{Text: "https://a.example/x?y=1", URL: "https://a.example/x?y=1"},
			{Text: ". Or ("},
			{Text: "http://b.example", URL: "http://b.example"},
			{Text: ")!\n  next line"},
		},
		{{Text: "javascript:alert(1) https:// \""}, {Text: "https://c.example", URL: "https://c.example"}, {Text: "\""}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

func FuzzParagraphs(f *testing.F) {
	f.Add("Dear Odo,\n\nhttps://a.example/x.\n\n* a\n  b")
	f.Add("https://https://x)\n\n\xff\x00http://")
	f.Fuzz(func(t *testing.T, body string) {
		var all strings.Builder
		for _, p := range Paragraphs(body) {
			for _, s := range p {
				if s.URL != "" && (s.URL != s.Text || !(strings.HasPrefix(s.URL, "https://") || strings.HasPrefix(s.URL, "http://")) || strings.ContainsAny(s.URL, " \n\t<>\"")) {
					t.Errorf("link %q", s)
				}
				all.WriteString(s.Text)
			}
		}
		drop := strings.NewReplacer("\n", "", "\r", "").Replace
		if fields := strings.Join(strings.Fields(drop(all.String())), ""); fields != strings.Join(strings.Fields(drop(body)), "") {
			t.Errorf("%q became %q", body, all.String())
		}
	})
}
