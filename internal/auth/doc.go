// Package auth says who somebody is and what they may do: accounts, sessions,
// roles, tokens, OIDC.
//
// # Basics
//
// A Principal is somebody who was recognized: by a session, an API token, a
// gateway's header, or a link to one notice. Allowed, which is pure, says what a
// Principal may do to what belongs to which department; its table in matrix.go is
// the whole of the matter. A Service keeps accounts and what recognizes them in
// the store; a Gate does so for net/http.
//
// Whatever changes something, or refuses, tells an Event to the journal.
//
// # Secrets
//
// Passwords are kept as argon2id, all other secrets that a caller presents as
// SHA-256 of at least 80 random bits. The secrets of one-time codes and the key
// of links must be read again, so they are kept as they are: the state file is
// for the daemon's account alone.
//
// # Caveats
//
// That the drafter of a notice is not its issuer, and who requests not who
// approves, depends on the case: the workflow checks it.
package auth
