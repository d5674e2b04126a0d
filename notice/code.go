package notice

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Code is by what paper is held against the file.
type Code struct {
	Short  string `json:"short"`  // 80 bits of the hash in four groups of four: 3F7K-…
	SHA256 string `json:"sha256"` // of the canonical bytes
}

// ErrNotThis is that a code belongs to another text: another version, another
// notice, or one that was altered.
var ErrNotThis = errors.New("the code is not that of this text")

// Crockford's alphabet leaves out I, L, O and U, which people misread.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// Canonical returns the bytes that the code is made of: a line that names the form,
// and the notice as compact JSON in the order of its fields.
func (n Notice) Canonical() ([]byte, error) { return canonical("yunjian-notice/1", n) }

// Code returns the verification code of the notice.
func (n Notice) Code() (Code, error) { return codeOf(n.Canonical()) }

func canonical(form string, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", form, err) // a number that is not finite
	}
	return append([]byte(form+"\n"), text...), nil
}

func codeOf(text []byte, err error) (Code, error) {
	if err != nil {
		return Code{}, err
	}
	sum := sha256.Sum256(text)
	short := crockford.EncodeToString(sum[:10])
	return Code{Short: strings.Join([]string{short[:4], short[4:8], short[8:12], short[12:]}, "-"), SHA256: hex.EncodeToString(sum[:])}, nil
}

// Verify holds a notice against a code, the short or the whole, as somebody typed
// it: case, spaces and hyphens do not matter, nor O for 0 and I or L for 1. The
// error is ErrNotThis where it is the code of another text.
func Verify(n Notice, typed string) error {
	code, err := n.Code()
	if err != nil {
		return err
	}
	return code.verify(typed)
}

func (c Code) verify(typed string) error {
	plain := strings.NewReplacer(" ", "", "-", "", "\t", "").Replace(strings.TrimSpace(typed))
	switch len(plain) {
	case sha256.Size * 2:
		if strings.ToLower(plain) != c.SHA256 {
			return ErrNotThis
		}
		return nil
	case 16:
		plain = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(plain))
		if plain != strings.ReplaceAll(c.Short, "-", "") {
			return ErrNotThis
		}
		return nil
	}
	return fmt.Errorf("verify: found a code of %d characters, want 16, such as 3F7K-0C2M-9QWE-71AB, or 64 hexadecimal digits", len(plain))
}
