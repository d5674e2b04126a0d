// Package collector reads clouds politely and completely: the Source contract,
// the call planner, gaps and backfill.
package collector
