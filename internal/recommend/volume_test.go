package recommend

import (
	"math"
	"testing"
)

func TestParseVolume(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]span{
		"1": {1, 1}, "12": {12, 12}, "0.5": {0.5, 0.5}, "1-3": {1, 3}, "1–3": {1, 3}, "#2": {2, 2}, " 4 ": {4, 4}, "7 - 8": {7, 8},
	} {
		if got, ok := parseVolume(text); !ok || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "companion", "3-1", "1-", "-1", "Inf", "0x1", "1e3", "1.2.3", ".", "123456789", "II", "1-2-3"} {
		if got, ok := parseVolume(text); ok {
			t.Errorf("%q is parsed as %v", text, got)
		}
	}
}

func FuzzParseVolume(f *testing.F) {
	for _, seed := range []string{"1", "0.5", "1-3", "", "-", "–", "1e309", "NaN", "9999999-99999999", "#1 – 2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, ok := parseVolume(text)
		if ok && (!(s.from <= s.to) || s.from < 0 || math.IsInf(s.to, 0)) {
			t.Errorf("%q: %v", text, s)
		}
		p := progressOf([]volume{{"S", text, true}, {"S", "1", false}})["S"]
		if math.IsNaN(p.next) || p.begun != ok {
			t.Errorf("%q: progress %+v", text, p)
		}
	})
}

func TestProgress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		begun, others   []string
		allowed, denied []string
	}{
		"newcomer":                {nil, []string{"0.5", "1", "1-3", "2", "3"}, []string{"1", "1-3", ""}, []string{"0.5", "2", "3"}},
		"without the first":       {nil, []string{"2", "3"}, []string{"2"}, []string{"3"}},
		"read the first":          {[]string{"1"}, []string{"0.5", "1.5", "2", "2.5", "3"}, []string{"1.5", "2"}, []string{"0.5", "2.5", "3"}},
		"began in the middle":     {[]string{"3"}, []string{"1", "2", "4", "5"}, []string{"4"}, []string{"1", "2", "5"}},
		"read an omnibus":         {[]string{"1-3"}, []string{"1", "2", "3", "4", "4-6"}, []string{"4", "4-6"}, []string{"1", "2", "3"}},
		"read all":                {[]string{"1", "2"}, nil, []string{"companion"}, []string{"1", "2"}},
		"only stories after that": {[]string{"2"}, []string{"2.5"}, []string{"2.5"}, []string{"1"}},
		"only a prequel":          {nil, []string{"0"}, []string{""}, []string{"0"}},
	} {
		var volumes []volume
		for _, v := range c.begun {
			volumes = append(volumes, volume{"S", v, true})
		}
		for _, v := range c.others {
			volumes = append(volumes, volume{"S", v, false})
		}
		p := progressOf(volumes)["S"]
		for _, v := range c.allowed {
			if !p.allows(v) {
				t.Errorf("%s: %q is denied by %+v", name, v, p)
			}
		}
		for _, v := range c.denied {
			if p.allows(v) {
				t.Errorf("%s: %q is allowed by %+v", name, v, p)
			}
		}
	}
}
