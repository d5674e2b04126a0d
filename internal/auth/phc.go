package auth

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// hashCost is what one argon2id hash takes.
type hashCost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// presentCost is the second of the settings that OWASP's Password Storage Cheat
// Sheet recommends for argon2id: m=19456 (19 MiB), t=2, p=1.
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
var presentCost = hashCost{memory: 19456, passes: 2, threads: 1}

const (
	saltBytes = 16 // RFC 9106, section 3.1
	hashBytes = 32
)

// Bounds of what a stored hash may ask for: whoever alters the file must not be
// able to have the daemon take all memory.
const (
	maxMemory  = 1 << 20 // KiB
	maxPasses  = 64
	maxThreads = 16
)

// phc is a password's hash with what it takes to make it again.
type phc struct {
	cost       hashCost
	salt, hash []byte
}

var errPHC = errors.New("not an argon2id hash")

// parsePHC reads $argon2id$v=19$m=…,t=…,p=…$salt$hash, as the specification of
// the PHC string format has it, in this order and with nothing else.
func parsePHC(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v=19" {
		return phc{}, errPHC
	}
	settings := strings.Split(parts[3], ",")
	if len(settings) != 3 {
		return phc{}, errPHC
	}
	var numbers [3]uint64
	for i, bound := range []struct {
		name string
		most uint64
	}{{"m=", maxMemory}, {"t=", maxPasses}, {"p=", maxThreads}} {
		digits, ok := strings.CutPrefix(settings[i], bound.name)
		n, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || n < 1 || n > bound.most || digits != strconv.FormatUint(n, 10) {
			return phc{}, errPHC
		}
		numbers[i] = n
	}
	p := phc{cost: hashCost{memory: uint32(numbers[0]), passes: uint32(numbers[1]), threads: uint8(numbers[2])}}
	if numbers[0] < 8*numbers[2] {
		return phc{}, errPHC
	}
	var saltErr, hashErr error
	p.salt, saltErr = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	p.hash, hashErr = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if saltErr != nil || hashErr != nil || len(p.salt) < 8 || len(p.salt) > 64 || len(p.hash) < 16 || len(p.hash) > 64 || p.String() != s {
		return phc{}, errPHC
	}
	return p, nil
}

// String is the hash in the PHC string format.
func (p phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", p.cost.memory, p.cost.passes, p.cost.threads, b64.EncodeToString(p.salt), b64.EncodeToString(p.hash))
}

// hashPassword makes a hash with a new salt.
func hashPassword(password string, cost hashCost) string {
	salt := random(saltBytes)
	p := phc{cost: cost, salt: salt}
	p.hash = p.cost.key(password, salt, hashBytes)
	return p.String()
}

func (c hashCost) key(password string, salt []byte, n int) []byte {
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.threads, uint32(n))
}

// matches compares in a time that does not depend on where the hashes differ.
func (p phc) matches(password string) bool {
	return subtle.ConstantTimeCompare(p.cost.key(password, p.salt, len(p.hash)), p.hash) == 1
}

// outdated reports whether the hash is to be made anew at the next chance.
func (p phc) outdated(present hashCost) bool {
	return p.cost != present || len(p.hash) != hashBytes || len(p.salt) != saltBytes
}
