// Package house tests the shape of the repository itself: layers, purity,
// package comments, and that documents speak of what exists.
//
// It has no code outside its tests. Every check takes a file tree and returns
// what is wrong with it, so that one run checks the repository and another
// proves, on small broken trees, that the check can fail.
//
// # Runnable blocks
//
// A fenced block of a document whose info string is "console run" is run, top to
// bottom, in a folder of its own a document, with the freshly built bin/yunjian
// in it and on PATH. Lines that begin with "$ " are commands and must succeed;
// the lines that follow one, if any, are its standard output, in which "…"
// stands for anything, on a line of its own for any lines. A block "LANGUAGE
// file=NAME" is written to that file first.
package house
