// Package archive is the form of a backup: one file that holds copies of
// several files with their checksums.
//
// # Form
//
// A tar archive compressed with zstd. Each file stands in it as parts of at most
// 16 MiB, NAME.part00000 and on, because its length is not known before it is
// copied; `cat` puts them together. The last member, manifest.json, names each
// file with its length and SHA-256. An archive without manifest is cut off and
// therefore refused.
package archive
