// Package formation runs processes on this machine as a platform runs dynos: it starts, stops, kills, restarts and lists
// them. Process is one child process; Local is a number of equal ones, such as worker.1 and worker.2.
//
// No process outlives the one that started it, however that ends. A child's standard input is a pipe whose end it takes for
// SIGTERM (see Attached), and a paused child is continued, so that it sees that end.
package formation
