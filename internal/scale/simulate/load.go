package simulate

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/backlist/backlist/internal/scale/foresight"
)

// Job is a job of a load. Times are in seconds from the beginning of the simulation.
type Job struct {
	At    float64 // when it becomes ready
	Run   float64 // how long it runs
	Kind  int
	Known bool // long before: it was scheduled
}

// Kind is a kind of jobs. Its run times are log-normal.
type Kind struct {
	Name string
	Mean float64 // seconds
	CV   float64 // coefficient of variation
}

// Load is what a simulation replays, and the circumstances.
type Load struct {
	Name, About string
	Kinds       []Kind
	Jobs        []Job // by At
	Seconds     float64
	Slots       int // of a worker
	Start       int // workers at the beginning
	Min, Max    int
	MaxWait     time.Duration
	BootMin     float64 // seconds that a worker takes to boot
	BootMax     float64
	Refused     float64 // share of changes that the platform refuses
	Outage      float64 // seconds of every three hours in which it refuses all
	Pattern     bool    // a daily or weekly one
	Profiles    []foresight.Profile
}

// start is the beginning of a simulation by its own clock: a Monday.
var start = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// clock returns the time of a number of seconds after the start.
func clock(seconds float64) time.Time {
	return start.Add(time.Duration(seconds * float64(time.Second)))
}

// generator makes the arrivals of a time span, which may begin before the simulation does.
type generator func(r *rand.Rand, from, to float64, arrive func(Job))

// character is a kind of load that can be generated.
type character struct {
	Load
	generate generator
	learnt   int // days of history
}

const daySeconds = 86400.0

// characters returns all loads that can be generated.
func characters() []character {
	base := Load{
		Kinds:   []Kind{{"short", 3, 1}, {"medium", 9, 1}},
		Seconds: daySeconds, Slots: 5, Start: 3, Min: 1, Max: 20, MaxWait: 30 * time.Second, BootMin: 20, BootMax: 60,
	}
	of := func(name, about string, generate generator, change func(*Load)) character {
		c := character{Load: base, generate: generate, learnt: 14}
		c.Name, c.About = name, about
		change(&c.Load)
		if c.Seconds > daySeconds {
			c.learnt = 28
		}
		return c
	}
	swings := func(l *Load) { l.Pattern = true }
	return []character{
		of("steady", "jobs of 3 and 9 s at a constant rate", rated(func(float64) float64 { return 4 }), func(l *Load) { l.Start = 6 }),
		of("daily", "a daily swing by a factor of eight, with noise", rated(dailyRate), swings),
		of("weekly", "a daily swing on five days, quiet weekends", rated(weeklyRate), func(l *Load) {
			l.Seconds, l.Pattern, l.Kinds = 7*daySeconds, true, []Kind{{"short", 6, 1}, {"medium", 18, 1}}
		}),
		of("bursts", "bursts of 5 to 20 s at five times the rate", bursts, func(*Load) {}),
		of("cron", "400 scheduled jobs and some long ones every hour, on a light base", cron, func(l *Load) {
			l.Start, l.Kinds = 1, []Kind{{"short", 3, 1}, {"report", 5, 0.7}, {"export", 400, 0.4}}
		}),
		of("ten-minute", "jobs of about ten minutes, in waves", tenMinutes, func(l *Load) { l.Kinds = []Kind{{"render", 600, 0.5}} }),
		of("cold-start", "from no worker to 3 jobs a second, four times", coldStart, func(l *Load) {
			l.Start, l.Min, l.Seconds, l.Kinds = 0, 0, daySeconds/2, []Kind{{"new", 10, 0.7}}
		}),
		of("failing-api", "the daily swing; the platform refuses one of four changes, and all for 10 min of 3 h", rated(dailyRate), func(l *Load) {
			l.Refused, l.Outage, l.Pattern = 0.25, 600, true
		}),
		of("slow-boots", "the daily swing; workers take 60 to 150 s to boot", rated(dailyRate), func(l *Load) {
			l.BootMin, l.BootMax, l.Pattern = 60, 150, true
		}),
	}
}

// Names returns the names of the loads that can be generated.
func Names() (names []string) {
	for _, c := range characters() {
		names = append(names, c.Name)
	}
	return names
}

// Generate returns a load by its name. days shortens it, if above 0. The profiles are learned from days before it that are
// generated in the same way with other chances.
func Generate(name string, seed uint64, days float64) (*Load, bool) {
	for _, c := range characters() {
		if c.Name != name {
			continue
		}
		l := c.Load
		if days > 0 {
			l.Seconds = min(l.Seconds, days*daySeconds)
		}
		r := rand.New(rand.NewPCG(seed, 1))
		c.generate(r, 0, l.Seconds, func(j Job) {
			j.Run = l.Kinds[j.Kind].run(r)
			l.Jobs = append(l.Jobs, j)
		})
		sortJobs(l.Jobs)
		l.Profiles = c.learn(seed)
		return &l, true
	}
	return nil, false
}

func sortJobs(jobs []Job) {
	slices.SortStableFunc(jobs, func(a, b Job) int { return cmp.Compare(a.At, b.At) })
}

// learn returns the kinds' profiles, from the days before the simulation.
func (c *character) learn(seed uint64) (profiles []foresight.Profile) {
	bins := c.learnt * int(24*time.Hour/foresight.Bin)
	counts := make([][]float64, len(c.Kinds))
	for i := range counts {
		counts[i] = make([]float64, bins)
	}
	from := -float64(c.learnt) * daySeconds
	c.generate(rand.New(rand.NewPCG(seed, 2)), from, 0, func(j Job) {
		if i := int((j.At - from) / foresight.Bin.Seconds()); i >= 0 && i < bins {
			counts[j.Kind][i]++
		}
	})
	for _, arrivals := range counts {
		profiles = append(profiles, foresight.Learn(foresight.Number(clock(from)), arrivals))
	}
	return profiles
}
