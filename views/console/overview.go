package console

import (
	"strconv"
	"time"
)

// period is a time that the charts can show.
type period struct {
	Key  string        // as in the address
	Past time.Duration // as jobs.series takes it
}

func periods() []period {
	const day = 24 * time.Hour
	return []period{{"1h", time.Hour}, {"24h", day}, {"7d", 7 * day}, {"30d", 30 * day}}
}

// Past returns the duration of a period named in an address; an unknown one is an hour.
func Past(key string) time.Duration {
	for _, p := range periods() {
		if p.Key == key {
			return p.Past
		}
	}
	return time.Hour
}

// charts returns the figures of the overview. The backlog is not counted by kind.
func charts(buckets []Bucket, ofKind bool) []Chart {
	c := Chart{}
	for _, b := range buckets {
		c.At = append(c.At, b.At)
		for _, name := range b.Releases {
			c.Marks = append(c.Marks, Mark{b.At, name})
		}
	}
	chart := func(id, title, unit string, lines ...Line) Chart {
		return Chart{ID: id, Title: title, Unit: unit, At: c.At, Marks: c.Marks, Lines: lines}
	}
	line := func(name, tone string, value func(Bucket) *float64) Line {
		l := Line{Name: name, Tone: tone}
		for _, b := range buckets {
			l.Values = append(l.Values, value(b))
		}
		return l
	}
	list := []Chart{
		chart("chart-throughput", "Throughput", "/min", line("ended", "ink", func(b Bucket) *float64 { return &b.PerMinute })),
		chart("chart-failures", "Failures", "/min", line("failed", "bad", func(b Bucket) *float64 { return &b.FailedPerMinute })),
		chart(
			"chart-wait", "Wait", "s",
			line("p50", "soft", func(b Bucket) *float64 { return seconds(b.WaitP50) }),
			line("p95", "busy", func(b Bucket) *float64 { return seconds(b.WaitP95) }),
			line("p99", "ink", func(b Bucket) *float64 { return seconds(b.WaitP99) }),
		),
		chart(
			"chart-run", "Run time", "s",
			line("p50", "soft", func(b Bucket) *float64 { return seconds(b.RunP50) }),
			line("p95", "busy", func(b Bucket) *float64 { return seconds(b.RunP95) }),
			line("p99", "ink", func(b Bucket) *float64 { return seconds(b.RunP99) }),
		),
	}
	if !ofKind {
		list = append(list, chart(
			"chart-backlog", "Backlog", "jobs",
			line("ready", "ink", func(b Bucket) *float64 { return number(b.Available) }),
			line("running", "busy", func(b Bucket) *float64 { return number(b.Running) }),
			line("retrying", "warn", func(b Bucket) *float64 { return number(b.Retryable) }),
		))
	}
	return list
}

func seconds(d *time.Duration) *float64 {
	if d == nil {
		return nil
	}
	s := d.Seconds()
	return &s
}

func number(n *int32) *float64 {
	if n == nil {
		return nil
	}
	x := float64(*n)
	return &x
}

// others says how many findings follow.
func others(n int) string {
	if n == 1 {
		return " And one more:"
	}
	return " And " + strconv.Itoa(n) + " more:"
}
