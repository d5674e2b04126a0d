package auth

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// PasswordRules are what a new password must satisfy. The defaults are those that
// GB/T 22239-2019 8.1.4.1 a is commonly assessed by.
type PasswordRules struct {
	MinLength  int           // characters, 8 to 64
	MinClasses int           // of lower, upper, digits and others; 1 to 4
	MaxAge     time.Duration // after which a new one is due; 0: never
}

// maxPassword bounds what is hashed, in bytes.
const maxPassword = 256

//go:embed obvious.txt
var obviousText string

// looks turns what stands for a letter into the letter.
var looks = strings.NewReplacer("@", "a", "4", "a", "0", "o", "1", "l", "!", "i", "3", "e", "$", "s", "5", "s", "7", "t")

// Check is an error that says everything wrong with a new password of the
// account.
func (r PasswordRules) Check(password, account string) error {
	var wrong []string
	if n := utf8.RuneCountInString(password); n < r.MinLength {
		wrong = append(wrong, fmt.Sprintf("it has %d characters, want at least %d", n, r.MinLength))
	}
	if len(password) > maxPassword {
		wrong = append(wrong, fmt.Sprintf("it has %d bytes, want at most %d", len(password), maxPassword))
	}
	if !utf8.ValidString(password) || strings.ContainsFunc(password, isControl) {
		wrong = append(wrong, "it holds characters that are not text")
	}
	if n := classes(password); n < r.MinClasses {
		wrong = append(wrong, fmt.Sprintf("it has %d kinds of characters, want at least %d of lower case, upper case, digits and others", n, r.MinClasses))
	}
	folded := strings.ToLower(password)
	if account != "" && strings.Contains(folded, strings.ToLower(account)) {
		wrong = append(wrong, "it contains the name of the account")
	}
	if obvious(folded) {
		wrong = append(wrong, "it is a well-known password, or one with digits and signs around it")
	}
	if len(wrong) > 0 {
		return fmt.Errorf("the new password will not do: %s", strings.Join(wrong, "; "))
	}
	return nil
}

// due reports whether a password set at since must be changed.
func (r PasswordRules) due(since, now time.Time) bool {
	return r.MaxAge > 0 && now.Sub(since) >= r.MaxAge
}

func classes(s string) int {
	var lower, upper, digit, other int
	for _, c := range s {
		switch {
		case unicode.IsLower(c):
			lower = 1
		case unicode.IsUpper(c):
			upper = 1
		case unicode.IsDigit(c):
			digit = 1
		default:
			other = 1
		}
	}
	return lower + upper + digit + other
}

// obvious reports whether a password in lower case is one of those that are tried
// first: of the list, as it stands or with digits and signs around it or for
// letters, or of fewer than five different characters.
func obvious(folded string) bool {
	list := strings.Fields(obviousText)
	notLetter := func(c rune) bool { return !unicode.IsLetter(c) }
	for _, s := range []string{folded, looks.Replace(folded), strings.TrimFunc(folded, notLetter), strings.TrimFunc(looks.Replace(strings.TrimRight(folded, "0123456789!@#$%^&*._-")), notLetter)} {
		if slices.Contains(list, s) {
			return true
		}
	}
	different := map[rune]bool{}
	for _, c := range folded {
		different[c] = true
	}
	return len(different) < 5
}

func isControl(c rune) bool { return unicode.IsControl(c) || c == utf8.RuneError }
