package drill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"strings"
	"time"

	"github.com/backlist/backlist/internal/relay"
)

// vanish disconnects a worker's host from the network: no side is notified that its connections are gone, and it keeps
// running.
func vanish(ctx context.Context, s *stage) error {
	_, web, err := s.deployment(ctx, roleWorker, 2)
	if err != nil {
		return err
	}
	victim, unplug, plug, err := s.elsewhere(ctx, Role{Kind: roleWorker, Name: "worker.9", Slots: 10, Pool: workerPool})
	if err != nil {
		return err
	}
	l := s.send(ctx, web.name, 700, 20, func(i int) Step {
		switch i % 5 {
		case 0:
			return Step{Millis: 2500, How: deaf}
		case 1:
			return Step{Millis: 1000, How: ending} // a backend without a client holds the row's lock
		}
		return Step{Millis: rand.IntN(1500)}
	})
	err = poll(ctx, readyLimit, "the victim is busy", func() bool { return s.journal.busy(victim.name) >= 5 })
	if err != nil {
		return err
	}
	victim.hit = time.Now()
	if err := unplug(); err != nil {
		return err
	}
	pause(ctx, 2*time.Second) // lets transactions end that can
	var hanging int
	err = s.pool.QueryRow(ctx, `select count(*) from pg_stat_activity
		where datname = current_database() and state = 'idle in transaction' and state_change < clock_timestamp() - interval '500 ms'`).Scan(&hanging)
	if err != nil {
		return err
	}
	s.result.note("%d of its transactions hung, with the rows of their jobs locked", hanging)
	err = s.until(ctx, time.Minute, "its jobs are rescued", `select not exists (select from river.river_job
		where state = 'running' and attempted_by[array_upper(attempted_by, 1)] = $1)`, victim.name)
	if err != nil {
		s.result.fail("%v", err)
	}
	s.result.note("all its jobs were rescued within %.1f s", time.Since(victim.hit).Seconds())
	<-l.done
	if err := plug(); err != nil { // the worker comes back, and must not do harm
		return err
	}
	pause(ctx, 3*time.Second)
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.noneRefused()
	s.result.within(silentBound, slowest)
	return nil
}

// elsewhere runs a worker on a separate host: a network namespace, if we are allowed to make one, which a pair of
// virtual interfaces connects to ours; or otherwise behind a proxy that can stop all traffic.
func (s *stage) elsewhere(ctx context.Context, role Role) (p *process, unplug, plug func() error, err error) {
	name := fmt.Sprintf("bl%x", rand.Uint32()&0xffffff)
	here, there := name+"a", name+"b"
	subnet := fmt.Sprintf("198.18.%d", rand.IntN(256)) // reserved for network benchmarks (RFC 2544)
	var prefix []string
	var way *relay.Relay
	for _, line := range []string{
		"netns add " + name, "link add " + here + " type veth peer name " + there + " netns " + name,
		"addr add " + subnet + ".1/30 dev " + here, "link set " + here + " up",
		"-n " + name + " addr add " + subnet + ".2/30 dev " + there, "-n " + name + " link set " + there + " up",
	} {
		if err = ip(ctx, line); err != nil {
			break
		}
		if strings.HasPrefix(line, "netns add") {
			s.later(func() {
				clean := context.WithoutCancel(ctx)
				_ = ip(clean, "link del "+here) // already deleted if the namespace is
				if err := ip(clean, "netns del "+name); err != nil {
					s.result.fail("clean up: %v", err)
				}
			})
		}
	}
	if err == nil {
		s.result.Injected = "the link of a worker's network namespace was set down (ip netns, veth); Postgres was not told"
		prefix = []string{"ip", "netns", "exec", name}
		way, err = s.relayAt(net.JoinHostPort(subnet+".1", "0"), hostOf(s.url))
		unplug = func() error { return ip(ctx, "link set "+here+" down") }
		plug = func() error { return ip(ctx, "link set "+here+" up") }
	} else {
		s.result.Injected = "a proxy stopped all traffic of a worker; a network namespace could not be made: " + err.Error()
		way, err = s.relay(s.url)
		unplug = func() error { way.Hush(); return nil }
		plug = func() error { way.Flow(); return nil }
	}
	if err != nil {
		return nil, nil, nil, err
	}
	if p, err = s.start(role, way.Through(s.url), prefix...); err != nil {
		return nil, nil, nil, err
	}
	return p, unplug, plug, s.await(ctx, p)
}

// ip runs the command ip.
func ip(ctx context.Context, line string) error {
	out, err := exec.CommandContext(ctx, "ip", strings.Fields(line)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", line, err, strings.TrimSpace(string(out)))
	}
	return nil
}
