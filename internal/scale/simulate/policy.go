package simulate

// Policy scales a simulated system. A new one is made for each run.
type Policy struct {
	Name  string
	About string
	Plan  bool // it is the planner
	Drawn bool // in plots
	start func(l *Load) ticker
}

// ticker is called again and again. It returns the time in seconds until the next call.
type ticker interface{ tick(w *world) float64 }

// Policies returns the planner and the models of its rivals. Their thresholds follow their documentation where it gives any.
func Policies() []Policy {
	age := func(a oldestAge) func(*Load) ticker { return func(*Load) ticker { a := a; return &a } }
	hpa := func(share float64) func(*Load) ticker {
		return func(l *Load) ticker { return &depthHPA{target: share * float64(l.Slots)} }
	}
	return []Policy{
		{"planner", "this planner", true, true, func(l *Load) ticker { return newPlanner(l, true) }},
		{"without foresight", "this planner without learned profiles", true, false, func(l *Load) ticker { return newPlanner(l, false) }},
		{"oldest age", "age of the oldest job; +1 each 3 min, -1 after 10 min", false, false, age(oldestAge{up: 1, step: 1, wait: 180, down: 600})},
		{"oldest age, tuned", "the same; at 5 s, +4 each 45 s, -1 after 3 min", false, false, age(oldestAge{up: 5.0 / 30, step: 4, wait: 45, down: 180})},
		{"tuned, busy guard", "the same, never down while a job runs", false, true, age(oldestAge{up: 5.0 / 30, step: 4, wait: 45, down: 180, guard: true})},
		{"60 s checkup", "latency once a minute, +1 or -1", false, false, func(*Load) ticker { return checkup{} }},
		{"depth or age", "+1 at 100 jobs or 5 min, -1 at 10 jobs and 30 s; each 2 min", false, false, func(*Load) ticker { return &depthOrAge{} }},
		{"depth HPA", "a worker for each full worker of jobs; down after 5 min", false, true, hpa(1)},
		{"depth HPA, 0.7", "the same at 0.7 of its slots", false, false, hpa(0.7)},
	}
}
