// Package collector reads clouds politely and completely: the Source contract,
// the call planner, gaps and backfill.
//
// # Basics
//
// A Source lists what a cloud holds and reads the samples of a span. MakePlan
// says beforehand how many calls that takes, which step and pull interval the
// budget allows, and what it gave up. Rounds cuts the spans to be read into
// chains of pages that fill the pages.
//
// # Caveats
//
//   - Spans are left-open and right-closed, (From, To], as CloudMonitor reads
//     them: a sample at From belongs to the span before.
//   - A plan counts metric calls only. Inventory calls are few and have no
//     monthly quota.
package collector
