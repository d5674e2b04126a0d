// Package notice holds the case file of one notice: who is told what and why now,
// what they answered, which deadline runs.
//
// A Case is one thing advised for one resource, from the finding to the archive.
// How it may move is data: a Workflow, read from YAML, whose parse refuses one in
// which silence, or one person alone, could bind a department. Workflow.Apply makes
// one step and nothing else does; Due tells what the passing of time brings,
// Recheck what the cloud shows against the advice.
//
// A Notice is what a department is sent: a document number, a table of cases, and
// a code by which paper is checked. An Acknowledgement answers it line by line.
// Both are values that nobody edits: a correction is a new version that names the
// one before.
//
// A day is the calendar date of an instant in the location of that instant. Days
// are written 2026-10-13. A deadline has passed on the day after.
package notice
