// Package calendar knows working days, statutory holidays, make-up days, the
// ends of months, quarters and years, and seasonal peaks.
//
// Holidays are data: one file a year with the notice of the State Council that
// published it. A year without a file is Monday to Friday, and whoever asks can
// see that it is (Known, Missing). Seasons are a table to be edited: when a
// business peaks, and which resources belong to it.
//
// A day is the calendar date of an instant in the location of that instant.
// Days that are returned are midnight UTC of the date.
package calendar
