package simulate

import (
	"math"
	"math/rand/v2"
)

// rated generates jobs of two kinds at a rate that depends on the time, in jobs a second, with slow noise.
func rated(rate func(at float64) float64) generator {
	return func(r *rand.Rand, from, to float64, arrive func(Job)) {
		noise := 0.0
		for at := from; at < to; at++ {
			noise += -noise/600 + r.NormFloat64()*0.08*math.Sqrt(2.0/600) // wanders by 8 % within ten minutes
			for range poisson(r, rate(at)*math.Exp(noise)) {
				arrive(Job{At: at + r.Float64(), Kind: r.IntN(2)})
			}
		}
	}
}

// dailyRate swings between 1 and 8 jobs a second, with its peak in the afternoon.
func dailyRate(at float64) float64 {
	return 4.5 - 3.5*math.Cos(2*math.Pi*(at/daySeconds-0.12)) + 0.4*math.Sin(6*math.Pi*at/daySeconds)
}

// weeklyRate swings on five days, and is low on two.
func weeklyRate(at float64) float64 {
	day := math.Mod(math.Floor(at/daySeconds), 7)
	if day < 0 {
		day += 7
	}
	if day >= 5 {
		return 0.075 * dailyRate(at)
	}
	return 0.3 * dailyRate(at)
}

// bursts have a base of 1.2 jobs a second and five times that for 5 to 20 s, about every minute.
func bursts(r *rand.Rand, from, to float64, arrive func(Job)) {
	until, next := from, from+r.ExpFloat64()*60
	for at := from; at < to; at++ {
		if at >= next {
			until = at + 5 + 15*r.Float64()
			next = until + r.ExpFloat64()*60
		}
		rate := 1.2
		if at < until {
			rate = 6
		}
		for range poisson(r, rate) {
			arrive(Job{At: at + r.Float64(), Kind: r.IntN(2)})
		}
	}
}

// cron has 400 scheduled jobs of seconds and four of minutes at every hour, and a light base.
func cron(r *rand.Rand, from, to float64, arrive func(Job)) {
	for at := from; at < to; at++ {
		for range poisson(r, 0.1) {
			arrive(Job{At: at + r.Float64()})
		}
		if math.Mod(at, 3600) == 0 && at > from {
			for range 400 {
				arrive(Job{At: at, Kind: 1, Known: true})
			}
			for range 4 {
				arrive(Job{At: at, Kind: 2, Known: true})
			}
		}
	}
}

// tenMinutes has one job a minute, and four a minute in waves of 20 to 60 minutes.
func tenMinutes(r *rand.Rand, from, to float64, arrive func(Job)) {
	until, next := from, from+r.ExpFloat64()*5400
	for at := from; at < to; at++ {
		if at >= next {
			until = at + 1200 + 2400*r.Float64()
			next = until + r.ExpFloat64()*5400
		}
		rate := 1.0 / 60
		if at < until {
			rate = 4.0 / 60
		}
		for range poisson(r, rate) {
			arrive(Job{At: at + r.Float64()})
		}
	}
}

// coldStart has nothing but 20 minutes of 3 jobs a second, every three hours.
func coldStart(r *rand.Rand, from, to float64, arrive func(Job)) {
	for at := from; at < to; at++ {
		if phase := math.Mod(at+20*daySeconds*10, 3*3600); phase < 3600 || phase >= 4800 {
			continue
		}
		for range poisson(r, 3) {
			arrive(Job{At: at + r.Float64()})
		}
	}
}

// run returns a random run time.
func (k Kind) run(r *rand.Rand) float64 {
	variance := math.Log(1 + k.CV*k.CV)
	return k.Mean * math.Exp(math.Sqrt(variance)*r.NormFloat64()-variance/2)
}

// poisson returns a random number with this mean.
func poisson(r *rand.Rand, mean float64) (n int) {
	for left := r.ExpFloat64(); left < mean; left += r.ExpFloat64() {
		n++
	}
	return n
}
