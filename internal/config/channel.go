package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// ChannelType is how a channel delivers.
type ChannelType string

// Types of channels.
const (
	ChannelEmail    ChannelType = "email"
	ChannelDingTalk ChannelType = "dingtalk"
	ChannelWebhook  ChannelType = "webhook"
	ChannelLog      ChannelType = "log"
)

// Channel is one way by which people are told.
type Channel struct {
	Name       string
	Type       ChannelType
	QuietHours string // HH:MM-HH:MM or none; see Quiet

	// Of every type but log.
	AllowPrivate bool          // addresses of private networks and of this machine
	CAFile       string        // PEM, in addition to the system's
	Timeout      time.Duration // of one message

	// Of type email.
	Host         string
	Port         int    // 0: as TLS has it
	TLS          string // implicit, starttls, none
	Username     string
	PasswordEnv  string
	PasswordFile string
	From         string

	// Of type dingtalk.
	BaseURL   string
	TokenEnv  string
	TokenFile string

	// Of type webhook.
	URLEnv  string
	URLFile string

	AllowHosts   []string // of a webhook: servers; of email: domains of recipients
	AllowSchemes []string // of a webhook and DingTalk
	SecretEnv    string   // of a webhook and DingTalk: what signs
	SecretFile   string
}

// commonChannelKeys belong to every type.
var commonChannelKeys = []string{"name", "type", "quiet_hours"}

// channelTypeKeys are the keys of each type beside the common ones.
var channelTypeKeys = map[ChannelType][]string{
	ChannelEmail:    {"host", "port", "tls", "username", "password_env", "password_file", "from", "allow_hosts", "allow_private", "ca_file", "timeout"},
	ChannelDingTalk: {"base_url", "token_env", "token_file", "secret_env", "secret_file", "allow_schemes", "allow_private", "ca_file", "timeout"},
	ChannelWebhook:  {"url_env", "url_file", "secret_env", "secret_file", "allow_hosts", "allow_schemes", "allow_private", "ca_file", "timeout"},
	ChannelLog:      {},
}

// hostName is a name, or *. and a name, for lists of what is allowed; or an
// address.
var hostName = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)

var channelKeys = []key[Channel]{
	field("name", "text", "", "名称，唯一（必填）", "its name, unique (required)",
		func(c *Channel) *string { return &c.Name }, pattern(cloudName, "letters, digits, - and _, at most 64")),
	field("type", "email, dingtalk, webhook or log", "", "类型：邮件、钉钉群机器人、Webhook、日志（必填）", "e-mail over SMTP, DingTalk group robot, Standard Webhooks, or the log (required)",
		func(c *Channel) *ChannelType { return &c.Type }, word(ChannelEmail, ChannelDingTalk, ChannelWebhook, ChannelLog)),
	field("host", "host", "", "email：SMTP 服务器（必填）", "email: the SMTP server (required)",
		func(c *Channel) *string { return &c.Host }, host),
	field("port", "whole number", "", "email：端口；缺省 implicit 465、starttls 587、none 25", "email: 465 for implicit, 587 for starttls, 25 for none where it is not given",
		func(c *Channel) *int { return &c.Port }, whole(1, 65535)),
	field("tls", "implicit, starttls or none", "implicit", "email：加密方式；none 只用于本机中继", "email: TLS from the first byte, or by STARTTLS, which is then insisted on; none is for a relay on this machine",
		func(c *Channel) *string { return &c.TLS }, word("implicit", "starttls", "none")),
	field("username", "text", "", "email：用户名；缺省不认证", "email: without it there is no authentication",
		func(c *Channel) *string { return &c.Username }, text),
	field("password_env", "environment variable", "", "email：存放口令的环境变量（与 _file 二选一）", "email: holds the password (this or _file goes with username)",
		func(c *Channel) *string { return &c.PasswordEnv }, variable),
	field("password_file", "path", "", "email：存放口令的文件", "email: file that holds the password",
		func(c *Channel) *string { return &c.PasswordFile }, secretFile),
	field("from", "e-mail address", "", "email：发件人，可带名称（必填）", "email: the sender, with or without a name (required)",
		func(c *Channel) *string { return &c.From }, sender),
	field("base_url", "URL", "https://oapi.dingtalk.com", "dingtalk：服务地址，政务外网可改", "dingtalk: its server",
		func(c *Channel) *string { return &c.BaseURL }, address),
	field("token_env", "environment variable", "", "dingtalk：存放 access_token 的环境变量（与 _file 二选一，必填）", "dingtalk: holds the robot's access_token (this or _file is required)",
		func(c *Channel) *string { return &c.TokenEnv }, variable),
	field("token_file", "path", "", "dingtalk：存放 access_token 的文件", "dingtalk: file that holds the robot's access_token",
		func(c *Channel) *string { return &c.TokenFile }, secretFile),
	field("url_env", "environment variable", "", "webhook：存放地址的环境变量，地址含密钥（与 _file 二选一，必填）", "webhook: holds the address, which is a secret (this or _file is required)",
		func(c *Channel) *string { return &c.URLEnv }, variable),
	field("url_file", "path", "", "webhook：存放地址的文件", "webhook: file that holds the address",
		func(c *Channel) *string { return &c.URLFile }, secretFile),
	field("secret_env", "environment variable", "", "dingtalk、webhook：存放签名密钥的环境变量（与 _file 二选一，必填）", "dingtalk, webhook: holds the signing secret, SEC… or whsec_… (this or _file is required)",
		func(c *Channel) *string { return &c.SecretEnv }, variable),
	field("secret_file", "path", "", "dingtalk、webhook：存放签名密钥的文件", "dingtalk, webhook: file that holds the signing secret",
		func(c *Channel) *string { return &c.SecretFile }, secretFile),
	field("allow_hosts", "list of hosts", "", "webhook：允许连接的主机（必填）；email：允许的收件人域名，缺省不限；可写 *.example.gov.cn", "webhook: hosts that may be connected to (required); email: domains that may be written to, any without it; *.example.gov.cn is all below",
		func(c *Channel) *[]string { return &c.AllowHosts }, once("hosts", pattern(hostName, "a host such as hooks.example.gov.cn or *.example.gov.cn"))),
	field("allow_schemes", "list of https, http", "https", "dingtalk、webhook：允许的协议", "dingtalk, webhook: allowed in addresses",
		func(c *Channel) *[]string { return &c.AllowSchemes }, once("https, http", word("https", "http"))),
	field("allow_private", "true or false", "false", "允许连接私网与本机地址；链路本地与元数据地址永不允许", "allow addresses of private networks and of this machine; link-local and metadata addresses never are",
		func(c *Channel) *bool { return &c.AllowPrivate }, yesNo),
	field("ca_file", "path", "", "私有 CA 证书（PEM）", "certificates of a private CA (PEM), beside the system's",
		func(c *Channel) *string { return &c.CAFile }, file),
	field("timeout", "duration", "30s", "单条消息超时", "of one message",
		func(c *Channel) *time.Duration { return &c.Timeout }, duration(time.Second, 5*time.Minute)),
	field("quiet_hours", "HH:MM-HH:MM or none", "20:00-08:00", "摘要免打扰时段，非工作日全天免打扰，顺延到下一个工作日早上；none 为不设", "when digests rest, as they do on days that are not worked: they go out on the next working morning; none: never",
		func(c *Channel) *string { return &c.QuietHours }, quietHours),
}

// defaultChannel is a channel before its keys are read.
func defaultChannel() Channel {
	return Channel{Timeout: 30 * time.Second, QuietHours: "20:00-08:00"}
}

// channelDefaults are the defaults of keys that not every type has.
func channelDefaults(c *Channel) {
	switch c.Type {
	case ChannelEmail:
		if c.TLS == "" {
			c.TLS = "implicit"
		}
	case ChannelDingTalk, ChannelWebhook:
		if c.AllowSchemes == nil {
			c.AllowSchemes = []string{"https"}
		}
		if c.BaseURL == "" && c.Type == ChannelDingTalk {
			c.BaseURL = "https://oapi.dingtalk.com"
		}
	}
}

// readChannels reads the list of channels and checks what spans several keys.
func readChannels(d *decoder, n *yaml.Node, at string, c *Config) {
	first := map[string]int{}
	c.Channels = nil
	d.each(n, at, "channels", func(n *yaml.Node, at string) {
		x := defaultChannel()
		lines := readMap(d, n, at, channelKeys, &x)
		if n.Kind != yaml.MappingNode {
			return
		}
		if line := first[x.Name]; x.Name != "" && line > 0 {
			d.bad(lines["name"], at+".name", "found %q, as on line %d; want each name once", x.Name, line)
		} else if x.Name != "" {
			first[x.Name] = lines["name"]
		}
		channelDefaults(&x)
		checkChannel(d, n.Line, at, lines, x)
		c.Channels = append(c.Channels, x)
	})
}

func checkChannel(d *decoder, line int, at string, lines map[string]int, c Channel) {
	required := func(names ...string) {
		for _, name := range names {
			if lines[name] == 0 {
				d.bad(line, at, "%s is missing", name)
			}
		}
	}
	required("name", "type")
	own, ok := channelTypeKeys[c.Type]
	if !ok {
		return // said already
	}
	for _, name := range sorted(lines) {
		if slices.Contains(known(channelKeys), name) && !slices.Contains(commonChannelKeys, name) && !slices.Contains(own, name) {
			d.bad(lines[name], at+"."+name, "is not for type %s; its keys are %s", c.Type, strings.Join(slices.Concat(commonChannelKeys, own), ", "))
		}
	}
	secret := func(name string, needed bool) {
		env, file := lines[name+"_env"], lines[name+"_file"]
		switch {
		case env > 0 && file > 0:
			d.bad(max(env, file), at, "%s_env and %s_file are both given; want one", name, name)
		case needed && env == 0 && file == 0 && !inline(lines, name):
			d.bad(line, at, "%s_env or %s_file is missing", name, name)
		}
	}
	switch c.Type {
	case ChannelEmail:
		required("host", "from")
		secret("password", lines["username"] > 0)
		if lines["username"] == 0 && lines["password_env"]+lines["password_file"] > 0 {
			d.bad(line, at, "a password without username; want both or neither")
		}
		if c.TLS == "none" && lines["username"] > 0 {
			d.bad(lines["tls"], at+".tls", "none beside username; a password is never sent without TLS, want implicit or starttls")
		}
		if c.TLS == "none" && c.Host != "" && !loopback(c.Host) {
			d.bad(lines["tls"], at+".tls", "none for %s; without TLS only a relay on this machine is spoken to: localhost, 127.0.0.1 or ::1", c.Host)
		}
	case ChannelDingTalk:
		secret("token", true)
		secret("secret", true)
		if scheme, _, _ := strings.Cut(c.BaseURL, ":"); lines["base_url"] > 0 && !slices.Contains(c.AllowSchemes, scheme) {
			d.bad(lines["base_url"], at+".base_url", "is %s; allow_schemes has %s", scheme, strings.Join(c.AllowSchemes, ", "))
		}
	case ChannelWebhook:
		secret("url", true)
		secret("secret", true)
		required("allow_hosts")
	}
	if slices.Contains(c.AllowSchemes, "http") {
		d.warn("%s.allow_schemes: over http whoever stands between can read what is sent; https with ca_file is the safe way", at)
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// host reads a name or an address of a machine, without a port.
func host(d *decoder, n *yaml.Node, at string) (string, bool) {
	const want = "a host such as smtp.example.gov.cn, without scheme and port"
	s, ok := d.scalar(n, at, want)
	if ok && (!hostName.MatchString(s) || strings.HasPrefix(s, "*")) && net.ParseIP(s) == nil {
		d.bad(n.Line, at, "found %s; want %s", describe(n), want)
		return "", false
	}
	return s, ok
}

// sender reads an e-mail address with or without a name.
func sender(d *decoder, n *yaml.Node, at string) (string, bool) {
	s, ok := text(d, n, at)
	if !ok {
		return "", false
	}
	if _, err := mail.ParseAddress(s); err != nil {
		d.bad(n.Line, at, "found %s; want an address such as yunjian@example.gov.cn or 云鉴 <yunjian@example.gov.cn>", describe(n))
		return "", false
	}
	return s, true
}

// quietHours reads HH:MM-HH:MM or none.
func quietHours(d *decoder, n *yaml.Node, at string) (string, bool) {
	const want = "hours such as 20:00-08:00, or none"
	s, ok := d.scalar(n, at, want)
	if !ok {
		return "", false
	}
	if _, _, _, err := (Channel{QuietHours: s}).Quiet(); err != nil {
		d.bad(n.Line, at, "found %s; want %s", describe(n), want)
		return "", false
	}
	return s, true
}

// Quiet is when digests rest: from from to to of the day, below 24 h, over
// midnight where from is the later, and on days that are not worked; never where
// none. The error is nil of a configuration that was read.
func (c Channel) Quiet() (from, to time.Duration, none bool, err error) {
	if c.QuietHours == "none" {
		return 0, 0, true, nil
	}
	first, last, _ := strings.Cut(c.QuietHours, "-")
	begin, errFrom := time.Parse("15:04", first)
	end, errTo := time.Parse("15:04", last)
	if errFrom != nil || errTo != nil || begin.Equal(end) {
		return 0, 0, false, fmt.Errorf("quiet_hours %q: want hours such as 20:00-08:00, or none", c.QuietHours)
	}
	midnight := begin.Truncate(day)
	return begin.Sub(midnight), end.Sub(midnight), false, nil
}

// ChannelSecrets are what a channel keeps to itself. They print as <redacted>.
type ChannelSecrets struct {
	Password string // of email
	Token    string // of dingtalk
	URL      string // of a webhook
	Secret   string // of dingtalk and a webhook
}

// String hides the secrets, so that no log can hold them.
func (ChannelSecrets) String() string { return "<redacted>" }

// GoString hides the secrets from %#v as String does from %v.
func (ChannelSecrets) GoString() string { return "<redacted>" }

// MarshalJSON hides the secrets from encoders.
func (ChannelSecrets) MarshalJSON() ([]byte, error) { return []byte(`"<redacted>"`), nil }

// Secrets reads the secrets that c names. Errors name the variable or file, every
// missing one, never its content.
func (c Channel) Secrets() (ChannelSecrets, error) {
	var out ChannelSecrets
	var errs []error
	for _, s := range []struct {
		key, env, file string
		into           *string
	}{
		{"password", c.PasswordEnv, c.PasswordFile, &out.Password},
		{"token", c.TokenEnv, c.TokenFile, &out.Token},
		{"url", c.URLEnv, c.URLFile, &out.URL},
		{"secret", c.SecretEnv, c.SecretFile, &out.Secret},
	} {
		if s.env == "" && s.file == "" {
			continue
		}
		value, err := secret(s.env, s.file)
		if err != nil {
			errs = append(errs, fmt.Errorf("read %s of channel %s: %w", s.key, c.Name, err))
			continue
		}
		*s.into = value
	}
	if len(errs) > 0 {
		return ChannelSecrets{}, errors.Join(errs...)
	}
	return out, nil
}
