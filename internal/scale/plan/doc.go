// Package plan decides how many workers of a process type should run. Decide is a pure function of what was measured, of what
// the operator set and of the state that its last call returned, so the loop, the simulator and the replay on the console share it.
//
// The operator sets the longest wait, a minimum and a maximum. Everything else is measured: how fast jobs of each kind arrive, how long
// they run and how much that varies, what waits, what comes due while a new worker boots, and how long that takes. Demand is the
// larger of two numbers of slots: those with which a steady load waits longer than allowed only rarely (Erlang C), and those that
// start the jobs that wait now in time. Workers are removed only after they were drained and run nothing.
package plan
