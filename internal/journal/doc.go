// Package journal keeps the tamper-evident log: hash-chained, append-only,
// verifiable offline.
//
// # Basics
//
// An Entry says who did what to which object, how it ended, and which policy and
// data it stood on. Append writes one into the transaction of the change that it
// records: both are there, or neither. There is no call that edits or removes an
// entry. Verify walks the chain and names every entry that is altered, missing,
// misplaced, or cut off from the one before.
//
// # The chain
//
// Entries are numbered from 1 without gaps. The bytes that are hashed are the
// entry as compact JSON, in the order of the fields of Entry, without its hash;
// among them is the hash of the entry before, of the first 64 zeros. The value
// stored is the hash and then these very bytes: nothing is decoded before it is
// proved. Each entry names its own algorithm, so that it may change on the way.
//
// # Caveats
//
// Whoever can write the file can write all of it anew, or cut its end off, and
// every entry then fits the next. Against that stands a Head that was witnessed
// elsewhere, such as on a printed report: Verify compares with it.
//
// What comes into an entry is bounded in length; numbers of telephones and of
// identity cards are masked, and what looks like a secret is struck out.
package journal
