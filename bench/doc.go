// Command bench compares internal/history with other stores and with what the
// machine could do at best, on the same data in one run.
//
//	bench peers    against VictoriaMetrics, Prometheus, DuckDB and the limit
//	bench scale    1,000, 10,000 and 100,000 instances, and a file of 13 GB
//	bench limit    against the limit alone: no peer is needed
//
// Peers run as child processes on loopback, each with a folder of its own, and
// are loaded and asked over their own interfaces. Every answer of everyone is
// compared with one found by sorting before anything is timed. A peer that is
// not installed is named and left out.
//
// It is a module of its own, so that cgo (for DuckDB) and the peers' libraries
// stay out of Yunjian's. `-h` after a command lists its flags; the tables it
// prints go into docs/performance.md with -markdown.
package main
