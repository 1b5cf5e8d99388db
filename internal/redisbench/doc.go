// Package redisbench holds holdfast against the tools that come with Redis, on the same
// machine and the same data: the time of a snapshot and of proving one, and the memory of
// every process. It has no code, only tests.
//
//	make bench-redis [SIZE=700] [RUNS=5]
//
// fills a real server with about SIZE MB and prints medians and ratios. Without it the
// package only proves how much memory holdfast takes at most.
package redisbench
