// Package control lets a command work on a data folder that the daemon holds: HTTP
// over a Unix socket in that folder.
//
// # Requests
//
//	POST /backup    the archive, as internal/archive writes it
//	POST /check     each damaged place
//	POST /compact   each step, then what was gained
//	GET  /stats     the figures of the history
//	GET  /progress  how much of the job under way is done, at any time
//	POST /run       a command, which the daemon runs for its client
//
// A backup ends with a trailer that says how it went; without one, or with
// anything but "done" in it, it is no backup. The others answer lines of JSON,
// of which the last says that the job is done or why it is not. So an answer
// that broke off is told from a whole one. One job goes at a time: another is
// refused with 409 and told which is under way. Whoever goes away ends the job,
// and so does the daemon when it stops.
//
// # Commands
//
// The request for a command is an upgrade, after which both sides write frames,
// lines of JSON. The client tells the arguments that it was called with; the daemon
// runs the command over its open data, passes on what it writes, and asks for what
// the client alone has: standard input, a secret at its terminal, files to read and
// write. The last frame is how the command ended. A few run at the same time. An
// interrupt of the client, its going away and the daemon's stopping end them.
//
// # Who may ask
//
// Whoever may open the data: the socket has the mode of the files, 0600, and
// stands in the same folder. Commands are for the daemon's own account and root, as
// the kernel says who asks. What can be asked for tells and changes nothing
// that this account could not read or do itself with the daemon stopped. The
// console's address takes no such request.
package control
