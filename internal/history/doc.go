// Package history keeps utilization samples: append, read back by resource and
// window; one bbolt file.
//
// Every value comes back exactly as the source gave it, with its instant and
// its gaps. What was written last for an instant of a series counts, in
// whatever order it came.
//
// # Three tiers
//
//   - A block holds what one Append brought, for all series together: one key,
//     one transaction.
//   - A day sheet holds one day of a band of series, a chunk each. Fold makes
//     them of blocks.
//   - A span sheet holds 28 days of a band. Fold makes them of day sheets once
//     the span is over, and leaves a digest of each day beside them that
//     outlives the samples.
//
// A tier overrides the ones below it, a later block an earlier one. Reading
// merges them, so nobody outside this package sees a tier.
//
// # Limits
//
// One process owns the file. Instants lie from 1970 to 2106. Values are finite.
package history
