// Package estate makes up a government cloud: a seeded, deterministic estate
// of departments, applications, instances, disks and addresses with months of
// utilization, of any size, for the demo, for tests and for load.
//
// Nothing is stored per sample. A value depends only on the seed, the
// resource, the metric and the instant, so that any span of any series is made
// on demand; short-lived noise is restarted each local day, so that a span
// costs its own length and at most one day more.
//
// Every name is plainly an example. docs/estate.md sets the statistics of the
// shapes beside those of real traces.
package estate
