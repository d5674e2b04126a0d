// Package pipeline runs the stages in order, one transaction each; it is the
// only place with a clock, a store and a network.
//
// # Basics
//
// A Data is the opened data folder. Collect reads one cloud into it, Audit
// judges what it holds, Scheduler does both on time. Each stage reads what the
// stages before it stored, writes its whole result in one transaction, and may
// be run again after a crash without harm.
//
// # Caveats
//
// One process owns a data folder. A second Open fails with a message that says
// who may hold it.
package pipeline
