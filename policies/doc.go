// Package policies says what counts as waste, for which resources, and who is
// excused until when; it ships policy packs as embedded YAML, each with its
// source and confidence.
//
// A pack is data. Packs are read strictly: an unknown key, an impossible number
// or a rule nothing can satisfy is reported with file and line, all at once.
package policies
