// Package registry reads what offices keep in tables: departments and applications, and
// what resources were billed for. Tables are CSV or XLSX, with headers in Chinese or in
// English.
package registry
