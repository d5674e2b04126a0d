// Package ownership names who owns what: departments, their applications, whom to
// write to and who signs.
//
// A Directory is imported from tables. Resolve joins it to what a cloud's tags say of a
// resource: an application's code, its name or another of its names leads to the
// application, and that to its department. What the tags alone say stands where the
// directory knows nothing better. A resource without a department is in the Queue, with
// what points at an owner.
package ownership
