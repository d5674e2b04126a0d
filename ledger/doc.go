// Package ledger books a saving only when its cause has been observed, and
// reverses it when the cause is undone.
//
// # Basics
//
// Reconcile compares two inventories of one cloud, taken one after the other, and
// returns what is to be booked: a resource that is gone from a listing that was read
// to the end, one that became smaller, a disk that became cheaper. Whether somebody
// had advised it (a Claim) changes who it is credited to, never whether it is
// booked. Entries are appended and never edited: what undoes a saving is an entry of
// its own, which names the one it takes from.
//
//   - Released, Downsized, Recategorized give something back.
//   - Reversed takes it back where the same resource returns or grows again.
//   - Rebound takes it back where new resources of the same application eat it: those that
//     came within Settings.ReboundDays after or MigrationDays before. One that is gone
//     again within StandingDays gives that back, and is no saving itself.
//   - Corrected changes its yuan to what the bill says.
//   - Verified says that it was still so a day later at least (Settings.VerifyAfter).
//
// Tally adds entries up. There are three figures, never one: what it saves in twelve
// months (annual), from the day on which billing stops to 31 December (in-year), and
// what of the annual figure was verified.
//
// # Caveats
//
//   - Inventories are compared in the order in which they are given: the instants only
//     date what is booked.
//   - Nothing is booked of a listing that was not read to the end: absence is not
//     release there, and what appears was perhaps only not seen before.
//   - An unknown price stays unknown: the entry says what is missing, and a sum says
//     how many entries it leaves out.
//   - Storage of an instance whose disks are listed, too, is booked with the disks.
//   - A resource that was never booked may grow as it likes: the ledger keeps savings,
//     not costs.
package ledger
