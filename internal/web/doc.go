// Package web is the console and its JSON API.
//
// So far it shows one page: how the jobs of the daemon went, and the latest
// report in every format. It reads, and changes nothing.
package web
