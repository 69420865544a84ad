package pilot

import (
	"fmt"
	"time"
)

// togetherFrom is the size of a fetch from which another job may have been inserted without a notice: while manyWaiting jobs
// wait, some worker fetches at least as many.
const togetherFrom = 2

// repollAfter lists the times after such a fetch at which the queue is polled again.
var repollAfter = [...]time.Duration{10 * time.Millisecond, 100 * time.Millisecond, 400 * time.Millisecond}

// wake makes River fetch from a queue, as a notice would.
func (c *Conn) wake(queue string) {
	c.deliver(c.Schema+".river_insert", fmt.Sprintf("{\"queue\": %q}", queue))
}

// repoll wakes a queue at each of the times of repollAfter from now.
func (c *Conn) repoll(queue string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if timer := c.polls[queue]; timer != nil {
		timer.Stop()
	}
	c.armPoll(queue, 0)
}

// armPoll arms the timer of the i-th poll; mu is held.
func (c *Conn) armPoll(queue string, i int) {
	wait := repollAfter[i]
	if i > 0 {
		wait -= repollAfter[i-1]
	}
	var timer *time.Timer
	timer = time.AfterFunc(wait, func() {
		c.wake(queue)
		c.mu.Lock()
		defer c.mu.Unlock()
		if i+1 < len(repollAfter) && c.polls[queue] == timer { // repoll was not called again meanwhile
			c.armPoll(queue, i+1)
		}
	})
	c.polls[queue] = timer
}

// pollIn wakes a queue once after wait, in place of the polls that were planned.
func (c *Conn) pollIn(queue string, wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if timer := c.polls[queue]; timer != nil {
		timer.Stop()
	}
	c.polls[queue] = time.AfterFunc(wait, func() { c.wake(queue) })
}
