// Package store is one bbolt file: state (inventory, observations, calls,
// audits, jobs, the ledger, the outbox, cases and notices, who somebody is) and the
// journal of what was done to it.
//
// # Basics
//
// An exported method is one transaction; what it returns is decoded inside and
// belongs to the caller. Putting the same thing twice is harmless. The store
// has no clock: instants come with what is put.
//
// What changes the state takes the journal's entry for it, and stores both in the
// one transaction. Record stores an entry of what changes nothing here, such as a
// report that was exported. Nothing removes an entry.
//
// # Merging inventories
//
// PutInventory keeps what only a sequence of inventories can know, and reports
// the differences as changes. Where the source tells an instant itself, its word
// counts.
//
//   - FirstSeen is the earliest of all; a resource that was gone and returns
//     keeps it.
//   - StoppedSince begins when an instance is first seen powered off and ends
//     when it is seen running; in between it stays.
//   - ResizedAt is the last inventory whose size differs from the one before. A
//     size that was unknown and becomes known is no resize.
//   - DetachedAt begins when a disk or address that was attached is not.
//   - A resource that a complete scope no longer lists is gone. One whose scope
//     was not read to the end, or not at all, is kept as last seen.
//
// # Caveats
//
// The first inventory of a cloud has nothing to differ from: it reports no
// creations. The inventory put last is the current one, even if its TakenAt is
// earlier: a clock that ran ahead must not lock out what follows.
package store
