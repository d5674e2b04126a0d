// Package report renders weekly reports, notices and tallies as text, HTML,
// XLSX, CSV, JSON, in zh and en.
//
// # Basics
//
// [Weekly] is one value that holds everything a weekly report says; [Write]
// renders it in one [Format] and one [Lang]. Nothing is read from a store, a
// clock or a network, so equal values give equal text, HTML, CSV and JSON.
//
// Reasons, which the judging packages give as codes with numbers, become prose
// here and nowhere else, once for both languages.
//
// # Caveats
//
//   - What is not known is shown as unknown, never as zero.
//   - A page that stands on the built-in example prices says so on every page
//     and sheet.
//   - Names come from clouds and files and are not trusted: they are escaped in
//     HTML and neutralised in cells that a spreadsheet would take for formulas.
package report
