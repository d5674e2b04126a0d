// Package api answers programs: what people do on the command line and in the console, as
// JSON over HTTP, described by an OpenAPI document that is made from the code.
//
// # Basics
//
// New returns the handler of everything below /api/v1/, to be mounted within
// auth.Gate.Handler, which says who sent a request. Each operation is one call of add: its
// permission and how far it reaches stand in the document as x-permission and x-scope.
//
// # Who sees what
//
// A handler holds a pipeline.Person and never the data, so that what it forgets to check
// is not shown. Another department's object is answered as one that is not there, word for
// word; that somebody asked for it goes on record.
//
// # Caveats
//
// What is wrong with a request is told in errors without the value where that may be a
// secret. An error that is nobody's mistake is logged and answered as internal.
package api
