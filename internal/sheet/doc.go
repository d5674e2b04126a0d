// Package sheet reads small tables that people made, CSV or XLSX, and says everything
// wrong with them at once, by file, line and column.
//
// Text that is not UTF-8 is taken for GB18030, which Chinese spreadsheets save. What is
// read is bounded, far above honest use.
package sheet
