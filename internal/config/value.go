package config

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/prometheus/common/model"
	"github.com/robfig/cron/v3"
	"go.yaml.in/yaml/v3"
)

// reader reads one value; ok is false when a mistake was reported.
type reader[V any] func(d *decoder, n *yaml.Node, at string) (v V, ok bool)

// field is a key whose value is read by r into the field of x that at returns.
func field[T, V any](name, typ, fallback, zh, en string, at func(*T) *V, r reader[V]) key[T] {
	return key[T]{name: name, typ: typ, fallback: fallback, zh: zh, en: en,
		read: func(d *decoder, n *yaml.Node, path string, x *T) {
			if v, ok := r(d, n, path); ok {
				*at(x) = v
			}
		}}
}

// object is a key whose value is a mapping of keys into the field of x that at
// returns.
func object[T, V any](name, zh, en string, at func(*T) *V, keys []key[V]) key[T] {
	return key[T]{name: name, typ: "mapping", zh: zh, en: en,
		read:     func(d *decoder, n *yaml.Node, path string, x *T) { readMap(d, n, path, keys, at(x)) },
		children: func(prefix string) []Key { return reference(prefix, keys) },
	}
}

// text reads a line of text.
func text(d *decoder, n *yaml.Node, at string) (string, bool) {
	s, ok := d.scalar(n, at, "text")
	if !ok {
		return "", false
	}
	if strings.TrimSpace(s) == "" || len(s) > 4096 || strings.ContainsFunc(s, unicode.IsControl) {
		d.bad(n.Line, at, "found %s; want one line of text", describe(n))
		return "", false
	}
	return strings.TrimSpace(s), true
}

// pattern reads text that matches p.
func pattern(p *regexp.Regexp, want string) reader[string] {
	return func(d *decoder, n *yaml.Node, at string) (string, bool) {
		s, ok := d.scalar(n, at, want)
		if ok && !p.MatchString(s) {
			d.bad(n.Line, at, "found %s; want %s", describe(n), want)
			return "", false
		}
		return s, ok
	}
}

// word reads one of a few words.
func word[W ~string](allowed ...W) reader[W] {
	all := make([]string, len(allowed))
	for i, w := range allowed {
		all[i] = string(w)
	}
	want := "one of " + strings.Join(all, ", ")
	return func(d *decoder, n *yaml.Node, at string) (W, bool) {
		s, ok := d.scalar(n, at, want)
		if ok && !slices.Contains(all, s) {
			d.bad(n.Line, at, "found %s; want %s", describe(n), want)
			return "", false
		}
		return W(s), ok
	}
}

func yesNo(d *decoder, n *yaml.Node, at string) (bool, bool) {
	s, ok := d.scalar(n, at, "true or false")
	if ok && s != "true" && s != "false" {
		d.bad(n.Line, at, "found %s; want true or false", describe(n))
		return false, false
	}
	return s == "true", ok
}

func whole(least, most int) reader[int] {
	return func(d *decoder, n *yaml.Node, at string) (int, bool) {
		s, ok := d.scalar(n, at, "a whole number")
		if !ok {
			return 0, false
		}
		v, err := strconv.Atoi(strings.ReplaceAll(s, "_", ""))
		if err != nil || v < least || v > most {
			d.bad(n.Line, at, "found %s; want a whole number from %d to %d", describe(n), least, most)
			return 0, false
		}
		return v, true
	}
}

// number reads a number in [least, most], or in (least, most] when above.
func number(least, most float64, above bool) reader[float64] {
	return func(d *decoder, n *yaml.Node, at string) (float64, bool) {
		s, ok := d.scalar(n, at, "a number")
		if !ok {
			return 0, false
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(v) || v < least || v > most || (above && v == least) {
			from := "from"
			if above {
				from = "above"
			}
			d.bad(n.Line, at, "found %s; want a number %s %v to %v", describe(n), from, least, most)
			return 0, false
		}
		return v, true
	}
}

func duration(least, most time.Duration) reader[time.Duration] {
	return func(d *decoder, n *yaml.Node, at string) (time.Duration, bool) {
		s, ok := d.scalar(n, at, "a duration such as 30d or 12h")
		if !ok {
			return 0, false
		}
		v, err := model.ParseDuration(s)
		if err != nil || time.Duration(v) < least || time.Duration(v) > most {
			d.bad(n.Line, at, "found %s; want a duration such as 30d, 12h or 90s, from %s to %s", describe(n), model.Duration(least), model.Duration(most))
			return 0, false
		}
		return time.Duration(v), true
	}
}

func list[V any](want string, item reader[V]) reader[[]V] {
	return func(d *decoder, n *yaml.Node, at string) ([]V, bool) {
		out := []V{}
		before := len(d.mistakes)
		d.each(n, at, want, func(n *yaml.Node, at string) {
			if v, ok := item(d, n, at); ok {
				out = append(out, v)
			}
		})
		return out, len(d.mistakes) == before
	}
}

// once is a list without repetition and with at least one item.
func once[V comparable](want string, item reader[V]) reader[[]V] {
	return func(d *decoder, n *yaml.Node, at string) ([]V, bool) {
		out, ok := list(want, item)(d, n, at)
		if ok && len(out) == 0 {
			d.bad(n.Line, at, "found an empty list; want at least one of %s", want)
			return nil, false
		}
		for i, v := range out {
			if slices.Contains(out[:i], v) {
				d.bad(n.Content[i].Line, fmt.Sprintf("%s[%d]", at, i), "found %s twice; want it once", describe(n.Content[i]))
				ok = false
			}
		}
		return out, ok
	}
}

// table reads a mapping of names to values; allowed nil: any name.
func table(allowed []string, item reader[string]) reader[map[string]string] {
	return func(d *decoder, n *yaml.Node, at string) (map[string]string, bool) {
		if n.Kind != yaml.MappingNode {
			d.bad(n.Line, at, "found %s; want a mapping", describe(n))
			return nil, false
		}
		out := map[string]string{}
		before := len(d.mistakes)
		for i := 0; i+1 < len(n.Content); i += 2 {
			name, value := n.Content[i], n.Content[i+1]
			switch {
			case name.Kind != yaml.ScalarNode || (allowed != nil && !slices.Contains(allowed, name.Value)):
				if near := nearest(name.Value, allowed); near != "" {
					d.bad(name.Line, at, "found %s; did you mean %s?", describe(name), near)
				} else {
					d.bad(name.Line, at, "found %s; want one of %s", describe(name), strings.Join(allowed, ", "))
				}
			case out[name.Value] != "":
				d.bad(name.Line, join(at, name.Value), "given twice; want it once")
			default:
				if v, ok := item(d, value, join(at, name.Value)); ok {
					out[name.Value] = v
				}
			}
		}
		return out, len(d.mistakes) == before
	}
}

// file reads the path of a file that must exist.
func file(d *decoder, n *yaml.Node, at string) (string, bool) {
	s, ok := text(d, n, at)
	if !ok {
		return "", false
	}
	return d.file(n.Line, at, s), true
}

// folder reads the path of a folder that need not exist yet.
func folder(d *decoder, n *yaml.Node, at string) (string, bool) {
	s, ok := text(d, n, at)
	return d.path(s), ok
}

// secretFile reads the path of a file with a secret; it is read when used, so
// that it may arrive later than the configuration.
func secretFile(d *decoder, n *yaml.Node, at string) (string, bool) {
	s, ok := text(d, n, at)
	if !ok {
		return "", false
	}
	full := d.path(s)
	if mode, exists := openToAll(full); exists && mode != 0 {
		d.warn("%s: %s may be read by every account of this machine (mode %04o); chmod 600 it", at, s, mode)
	}
	return full, true
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// variable reads the name of an environment variable. What looks like the
// secret itself is refused without being shown.
func variable(d *decoder, n *yaml.Node, at string) (string, bool) {
	s, ok := d.scalar(n, at, "the name of an environment variable")
	if !ok {
		return "", false
	}
	if !envName.MatchString(s) || looksSecret(s) {
		d.bad(n.Line, at, "does not look like the name of an environment variable; want a name such as YUNJIAN_SK, and change the key if it was ever saved here")
		return "", false
	}
	return s, true
}

// looksSecret tells an access key (LTAI…) or its secret (letters of both cases
// and digits) from a variable's name.
func looksSecret(s string) bool {
	if strings.HasPrefix(s, "LTAI") && len(s) >= 16 {
		return true
	}
	return len(s) >= 24 && !strings.Contains(s, "_") &&
		strings.ContainsFunc(s, unicode.IsUpper) && strings.ContainsFunc(s, unicode.IsLower) && strings.ContainsFunc(s, unicode.IsDigit)
}

// address reads a URL of a server. A user in it would be a secret.
func address(d *decoder, n *yaml.Node, at string) (string, bool) {
	const want = "http://HOST or https://HOST, with port and path where needed"
	s, ok := d.scalar(n, at, want)
	if !ok {
		return "", false
	}
	u, err := url.Parse(s)
	switch {
	case strings.Contains(s, "@"):
		d.bad(n.Line, at, "holds a user name or password; secrets are never written in the configuration; want %s", want)
		return "", false
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "":
		d.bad(n.Line, at, "found %s; want %s", describe(n), want)
		return "", false
	}
	return s, true
}

// listen reads host:port.
func listen(d *decoder, n *yaml.Node, at string) (string, bool) {
	s, ok := d.scalar(n, at, "HOST:PORT")
	if !ok {
		return "", false
	}
	_, port, err := net.SplitHostPort(s)
	_, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil {
		d.bad(n.Line, at, "found %s; want HOST:PORT such as 127.0.0.1:8900", describe(n))
		return "", false
	}
	return s, true
}

// exposure checks how the console is reached: browsers keep a session over TLS and
// on this machine only.
func (d *decoder) exposure(c *Config, lines map[string]int) {
	if cert, key := lines["tls_cert_file"], lines["tls_key_file"]; (cert == 0) != (key == 0) {
		d.bad(max(cert, key), "tls_cert_file", "tls_cert_file and tls_key_file belong together; want both or neither")
	}
	host, port, err := net.SplitHostPort(c.Listen)
	ip := net.ParseIP(host)
	if err == nil && port != "0" && host != "localhost" && (ip == nil || !ip.IsLoopback()) && c.TLSCertFile == "" && len(c.Auth.Proxies) == 0 {
		d.warn("listen: %s is reachable from other machines without TLS: passwords would pass unencrypted, and browsers keep no session; set tls_cert_file and tls_key_file, or put a gateway with TLS before it and name it in auth.proxies", c.Listen)
	}
}

// schedule reads a cron expression of five fields, or a descriptor.
func schedule(d *decoder, n *yaml.Node, at string) (string, bool) {
	const want = `five cron fields such as "0 2 * * *", or "@every 5m"`
	s, ok := d.scalar(n, at, want)
	if !ok {
		return "", false
	}
	plan, err := cron.ParseStandard(s)
	if err != nil {
		d.bad(n.Line, at, "found %s; want %s", describe(n), want)
		return "", false
	}
	if every, ok := plan.(cron.ConstantDelaySchedule); ok && every.Delay < time.Minute {
		d.bad(n.Line, at, "found %s; want at least one minute", describe(n))
		return "", false
	}
	if strings.HasPrefix(s, "TZ=") || strings.HasPrefix(s, "CRON_TZ=") {
		d.bad(n.Line, at, "found a time zone in %s; want it in timezone", describe(n))
		return "", false
	}
	return s, true
}

// zone reads the name of a time zone.
func zone(d *decoder, n *yaml.Node, at string) (string, bool) {
	s, ok := d.scalar(n, at, "a time zone such as Asia/Shanghai")
	if !ok {
		return "", false
	}
	if _, err := time.LoadLocation(s); err != nil || s == "" || s == "Local" {
		d.bad(n.Line, at, "found %s; want a time zone such as Asia/Shanghai or UTC", describe(n))
		return "", false
	}
	return s, true
}
