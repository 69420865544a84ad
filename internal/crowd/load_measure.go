package crowd

import (
	"context"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/backlist/backlist/internal/bench"
	view "github.com/backlist/backlist/views/console"
)

// measure offers the load, and watches the processes and the jobs meanwhile.
func (l *load) measure(ctx context.Context, report *LoadReport) error {
	began, err := l.now(ctx)
	if err != nil {
		return err
	}
	watched, stop := context.WithCancel(ctx)
	defer stop()
	var group errgroup.Group
	processes := make([]bench.ProcessFigures, 2)
	for i, p := range []struct {
		name string
		*bench.Process
	}{{"web", l.site}, {"worker", l.worker}} {
		group.Go(func() error {
			processes[i] = bench.WatchProcess(watched, p.name, p.PID(), l.database())
			return nil
		})
	}
	var waiting []int
	group.Go(func() error {
		waiting = bench.Backlogs(watched, l.Pool)
		return nil
	})
	mails := l.sink.Count()
	replies, err := l.offer(ctx, l.PerMinute/60, l.For)
	stop()
	_ = group.Wait()
	if err != nil {
		return err
	}
	_, report.Routes = bench.Figures(l.visits, replies, l.For)
	report.All, _ = bench.Figures(l.visits, l.answered(replies), l.For)
	report.Search, _ = bench.Figures(l.visits, l.searches(replies), l.For)
	report.BySecond = bench.BySecond(replies, l.For)
	for i, n := range waiting {
		if i < len(report.BySecond) {
			report.BySecond[i].Backlog = n
		}
	}
	report.Processes, report.Readers = processes, len(l.members)
	if err := l.settle(ctx); err != nil {
		return err
	}
	report.Mails = l.sink.Count() - mails
	report.Jobs, err = bench.KindsSince(ctx, l.Pool, began)
	return err
}

// now returns the database's time.
func (l *load) now(ctx context.Context) (at time.Time, err error) {
	err = l.Pool.QueryRow(ctx, "select clock_timestamp()").Scan(&at)
	return at, err
}

// database returns the address of the database: host and port.
func (l *load) database() string {
	c := l.Pool.Config().ConnConfig
	return c.Host + ":" + strconv.Itoa(int(c.Port))
}

// answered returns the replies without the streams of the console, which begin with its first news, within a second.
func (l *load) answered(replies []bench.Reply) (list []bench.Reply) {
	for _, r := range replies {
		if v := l.mix[r.Visit]; !v.stream || !strings.Contains(v.route, view.Root) || r.Err != nil {
			list = append(list, r)
		}
	}
	return list
}

func (l *load) searches(replies []bench.Reply) (found []bench.Reply) {
	for _, r := range replies {
		if l.mix[r.Visit].note == searches {
			found = append(found, r)
		}
	}
	return found
}

// settle waits until no job is ready or runs, or until settling is over: the report then says how many have not been done.
func (l *load) settle(ctx context.Context) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < settling; {
		var busy bool
		if err := l.Pool.QueryRow(ctx, "select exists (select from river.river_job where state in ('available', 'running'))").Scan(&busy); err != nil {
			return err
		}
		if !busy {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
