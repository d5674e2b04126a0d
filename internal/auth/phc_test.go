package auth

import (
	"encoding/hex"
	"strings"
	"testing"
)

// What the reference implementation of argon2 makes of the same: its test.c,
// argon2id, version 19, t=2, m=2^16, p=1.
func TestKnownHash(t *testing.T) {
	p, err := parsePHC("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(p.hash); got != "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7" {
		t.Errorf("hash is %s", got)
	}
	if !p.matches("password") || p.matches("passwore") || p.matches("") {
		t.Error("the wrong password matches, or the right one does not")
	}
	if !p.outdated(presentCost) {
		t.Error("another cost is not outdated")
	}
}

func TestBadHashes(t *testing.T) {
	const salt, hash = "c29tZXNhbHQ", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for name, s := range map[string]string{
		"empty":             "",
		"another function":  "$argon2i$v=19$m=64,t=2,p=1$" + salt + "$" + hash,
		"another version":   "$argon2id$v=16$m=64,t=2,p=1$" + salt + "$" + hash,
		"all memory":        "$argon2id$v=19$m=4294967295,t=2,p=1$" + salt + "$" + hash,
		"no pass":           "$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + hash,
		"too many threads":  "$argon2id$v=19$m=640,t=2,p=17$" + salt + "$" + hash,
		"too little memory": "$argon2id$v=19$m=8,t=2,p=2$" + salt + "$" + hash,
		"leading zero":      "$argon2id$v=19$m=064,t=2,p=1$" + salt + "$" + hash,
		"other order":       "$argon2id$v=19$t=2,m=64,p=1$" + salt + "$" + hash,
		"short salt":        "$argon2id$v=19$m=64,t=2,p=1$c29t$" + hash,
		"padded salt":       "$argon2id$v=19$m=64,t=2,p=1$" + salt + "=$" + hash,
		"bits left over":    "$argon2id$v=19$m=64,t=2,p=1$" + salt[:10] + "R$" + hash,
		"one part more":     "$argon2id$v=19$m=64,t=2,p=1$" + salt + "$" + hash + "$",
		"something before":  "x$argon2id$v=19$m=64,t=2,p=1$" + salt + "$" + hash,
	} {
		if _, err := parsePHC(s); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzPHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add(strings.Repeat("$", 6))
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePHC(s)
		if err != nil {
			return
		}
		if p.String() != s {
			t.Errorf("%q reads as %q", s, p)
		}
		if p.cost.memory > maxMemory || p.cost.passes > maxPasses || p.cost.threads > maxThreads {
			t.Errorf("%q asks for %+v", s, p.cost)
		}
	})
}
