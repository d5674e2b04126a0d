// Package registry reads from tables who owns what: departments and applications, CSV
// or XLSX, with headers in Chinese or in English.
package registry
