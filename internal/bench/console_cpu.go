package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// siteCPU is the CPU time of a web process and of its sessions in a local server.
type siteCPU struct {
	web      int
	sessions []int
}

// siteOf finds the sessions of a web process: all of the program that are open. Nothing else of the program may run yet.
func siteOf(ctx context.Context, pool *pgxpool.Pool, web int) (siteCPU, error) {
	rows, err := pool.Query(ctx, "select pid from pg_stat_activity where datname = current_database() and application_name <> current_setting('application_name')")
	if err != nil {
		return siteCPU{}, err
	}
	sessions, err := pgx.CollectRows(rows, pgx.RowTo[int])
	return siteCPU{web, sessions}, err
}

// used returns the CPU time by process, without sessions that have ended.
func (s siteCPU) used() (map[int]time.Duration, error) {
	used := map[int]time.Duration{}
	for _, pid := range s.sessions {
		if session, err := statOf(pid); err == nil {
			used[pid] = session.own
		}
	}
	if len(used) == 0 {
		return nil, errors.New("the server's sessions are not processes here")
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.web))
	if err != nil {
		return nil, err
	}
	web, err := parseStat(s.web, text)
	used[s.web] = web.own
	return used, err
}

// share returns the share of the machine's CPU that is used while fn runs, in percent.
func (s siteCPU) share(fn func() error) (float64, error) {
	before, err := s.used()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := fn(); err != nil {
		return 0, err
	}
	after, err := s.used()
	var sum time.Duration
	for pid, used := range after {
		sum += used - before[pid]
	}
	return 100 * sum.Seconds() / time.Since(began).Seconds() / float64(runtime.NumCPU()), err
}
