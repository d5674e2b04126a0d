package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ImportName is the cloud that `yunjian import` puts a bundle under that no
// entry of the configuration names; an entry cannot take it.
const ImportName = "import"

// readClouds reads the list of clouds and checks what spans several keys.
func readClouds(d *decoder, n *yaml.Node, at string, c *Config) {
	first := map[string]int{}
	c.Clouds = nil
	d.each(n, at, "clouds", func(n *yaml.Node, at string) {
		x := defaultCloud()
		lines := readMap(d, n, at, cloudKeys, &x)
		if n.Kind != yaml.MappingNode {
			return
		}
		if x.Name == ImportName {
			d.bad(lines["name"], at+".name", "found %q, the name that imports without an entry here are stored under; want another", x.Name)
		}
		if line := first[x.Name]; x.Name != "" && line > 0 {
			d.bad(lines["name"], at+".name", "found %q, as on line %d; want each name once", x.Name, line)
		} else if x.Name != "" {
			first[x.Name] = lines["name"]
		}
		checkCloud(d, n.Line, at, lines, x)
		c.Clouds = append(c.Clouds, x)
	})
}

func checkCloud(d *decoder, line int, at string, lines map[string]int, c Cloud) {
	required := func(name string) {
		if lines[name] == 0 {
			d.bad(line, at, "%s is missing", name)
		}
	}
	required("name")
	required("type")
	foreign := func(belongs func(string) bool, other string) {
		for _, name := range sorted(lines) {
			if slices.Contains(known(cloudKeys), name) && name != "name" && name != "type" && !belongs(name) {
				d.bad(lines[name], at+"."+name, "is for type %s; this cloud is of type %s", other, c.Type)
			}
		}
	}
	switch c.Type {
	case TypeBundle:
		required("path")
		foreign(func(name string) bool { return slices.Contains(bundleKeys, name) }, string(TypeAliyun))
	case TypeAliyun:
		required("regions")
		foreign(func(name string) bool { return !slices.Contains(bundleKeys, name) }, string(TypeBundle))
		for _, secret := range []struct {
			name     string
			required bool
		}{{"access_key_id", true}, {"access_key_secret", true}, {"security_token", false}} {
			env, file := lines[secret.name+"_env"], lines[secret.name+"_file"]
			switch {
			case env > 0 && file > 0:
				d.bad(max(env, file), at, "%s_env and %s_file are both given; want one", secret.name, secret.name)
			case secret.required && env == 0 && file == 0 && !inline(lines, secret.name):
				d.bad(line, at, "%s_env or %s_file is missing", secret.name, secret.name)
			}
		}
		if c.Bills && c.Apsara != nil && c.Endpoints["bss"] == "" {
			d.bad(lines["bills"], at+".bills", "true beside apsara and without endpoints.bss; an Apsara Stack has no server of bills: name the one that answers for yours, or leave bills out and import files")
		}
		if c.InsecureSkipVerify {
			d.warn("%s.insecure_skip_verify: whoever stands between can read and alter what is collected; ca_file is the safe way", at)
		}
	}
}

// inline reports whether the secret of that name is in the file itself, which
// was reported already.
func inline(lines map[string]int, secret string) bool {
	for name := range lines {
		if isSecret(name, secret) {
			return true
		}
	}
	return false
}

// Credentials are an account's secrets. They print as <redacted>.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string // empty for long-lived credentials
}

// String hides the secrets, so that no log can hold them.
func (Credentials) String() string { return "<redacted>" }

// GoString hides the secrets from %#v as String does from %v.
func (Credentials) GoString() string { return "<redacted>" }

// MarshalJSON hides the secrets from encoders.
func (Credentials) MarshalJSON() ([]byte, error) { return []byte(`"<redacted>"`), nil }

// Credentials reads the secrets that c names. Errors name the variable or file,
// every missing one, never its content. A cloud of type bundle has none.
func (c Cloud) Credentials() (Credentials, error) {
	if c.Type != TypeAliyun {
		return Credentials{}, nil
	}
	var (
		out  Credentials
		errs []error
	)
	for _, s := range []struct {
		key, env, file string
		into           *string
	}{
		{"access_key_id", c.AccessKeyIDEnv, c.AccessKeyIDFile, &out.AccessKeyID},
		{"access_key_secret", c.AccessKeySecretEnv, c.AccessKeySecretFile, &out.AccessKeySecret},
		{"security_token", c.SecurityTokenEnv, c.SecurityTokenFile, &out.SecurityToken},
	} {
		if s.env == "" && s.file == "" {
			continue
		}
		value, err := secret(s.env, s.file)
		if err != nil {
			errs = append(errs, fmt.Errorf("read %s of cloud %s: %w", s.key, c.Name, err))
			continue
		}
		*s.into = value
	}
	if len(errs) > 0 {
		return Credentials{}, errors.Join(errs...)
	}
	return out, nil
}

// secret reads one secret from an environment variable or a file.
func secret(env, file string) (string, error) {
	const maxSecret = 64 << 10
	where, value := "environment variable "+env, os.Getenv(env)
	if file != "" {
		where = "file " + file
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("open %s: %w", where, errors.Unwrap(err))
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
		if err != nil {
			return "", fmt.Errorf("read %s: %w", where, err)
		}
		value = string(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	}
	value = strings.TrimSpace(value)
	switch {
	case value == "" && file == "":
		return "", fmt.Errorf("%s is not set", where)
	case value == "":
		return "", fmt.Errorf("%s is empty", where)
	case len(value) > maxSecret || strings.ContainsAny(value, " \t\r\n"):
		return "", fmt.Errorf("%s holds more than one word; want the secret alone", where)
	}
	return value, nil
}

// openToAll returns the permissions of a file that every account may read, 0
// when only its owner and group may.
func openToAll(path string) (mode fs.FileMode, exists bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	if info.Mode().Perm()&0o004 == 0 {
		return 0, true
	}
	return info.Mode().Perm(), true
}
