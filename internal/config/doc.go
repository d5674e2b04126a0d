// Package config reads one YAML file strictly and says everything wrong with it
// at once.
//
// # Basics
//
// Load returns the configuration with defaults filled in, or an *Error that
// lists every mistake with its line. The tables in keys.go are the one
// definition of the format: they decode, they check, and they are the reference
// (see Reference), so that the three cannot drift apart.
//
// Paths are relative to the folder of the file. Durations are Prometheus style
// (30d, 12h, 1h30m). Secrets are never in the file: it names an environment
// variable or a file that holds them, read by Cloud.Credentials.
//
// # Caveats
//
// Load reads the clock, the network and the environment never, and of other
// files only whether they exist and who may read them. What a named policy or
// price book says is checked by its own package.
package config
