// Package pages checks the pages of a bbolt file: whether its tree can be walked
// at all, and whether it is the one that was written.
//
// bbolt's pages have no checksums. Where they or their elements reach beyond
// their end, walking faults, or leaves pointers over which the garbage collector
// ends the process; where two lead to one page, it may never end; and where a
// page counts fewer elements than it holds, nothing else would tell. bbolt's own
// check runs on a goroutine of its own, where a fault cannot be caught, cannot be
// interrupted, and remembers every page in a map. This one reads from disk, where
// bbolt maps: what cannot be read is an error. It remembers two bits a page.
//
// The layout is bbolt's, version 2, the only one there has been.
package pages
