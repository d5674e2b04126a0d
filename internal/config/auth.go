package config

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"yunjian/internal/auth"
)

var headerName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)

var authKeys = []key[auth.Settings]{
	field("officers", "apart, strict or off", "apart", "三员分立：apart 一个账号不得兼任三员，strict 不得兼任其中两员，off 不限", "how the three officers are kept apart: apart, no account holds all three of sysadmin, secadmin and auditor; strict, none holds two; off",
		func(s *auth.Settings) *auth.Officers { return &s.Officers }, word(auth.OfficersApart, auth.OfficersStrict, auth.OfficersOff)),
	object("password", "本地账号的口令规则", "rules of passwords of local accounts",
		func(s *auth.Settings) *auth.PasswordRules { return &s.Password }, passwordKeys),
	{name: "lockout", typ: "mapping", zh: "登录失败后的锁定，不论账号是否存在", en: "what follows failed sign-ins, whether or not there is such an account",
		read: func(d *decoder, n *yaml.Node, at string, s *auth.Settings) {
			lines := readMap(d, n, at, lockoutKeys, &s.Lockout)
			if s.Lockout.Shortest > s.Lockout.Longest {
				d.bad(max(lines["shortest"], lines["longest"]), at, "shortest is longer than longest; want it at most as long")
			}
		},
		children: func(prefix string) []Key { return reference(prefix, lockoutKeys) }},
	object("session", "会话", "when a session ends by itself",
		func(s *auth.Settings) *auth.SessionRules { return &s.Session }, sessionKeys),
	field("totp_required", "list of roles", "", "必须启用动态口令的角色", "roles that must have one-time codes",
		func(s *auth.Settings) *[]auth.Role { return &s.TOTPRequired }, once("totp_required", word(auth.Roles()...))),
	field("proxies", "list of CIDR", "", "网关的地址段；只有来自这些地址的请求，其 X-Forwarded-For 与下列请求头才被采信", "networks of gateways: X-Forwarded-For and the headers below count in requests from these alone",
		func(s *auth.Settings) *[]netip.Prefix { return &s.Proxies }, once("proxies", network)),
	object("header", "网关认证后写入的请求头", "headers by which a gateway says who sent a request",
		func(s *auth.Settings) *auth.HeaderRules { return &s.Header }, headerKeys),
	object("oidc", "OpenID Connect 单点登录", "sign-in through an OpenID Connect provider",
		func(s *auth.Settings) *auth.OIDCRules { return &s.OIDC }, oidcKeys),
	{name: "external", typ: "mapping of text to role", zh: "网关或身份源的角色名 → 云鉴角色", en: "what gateways and providers call a role → the role",
		read: func(d *decoder, n *yaml.Node, at string, s *auth.Settings) {
			var words []string
			for _, r := range auth.Roles() {
				words = append(words, string(r))
			}
			roles, ok := table(nil, word(words...))(d, n, at)
			if !ok {
				return
			}
			s.External = map[string]auth.Role{}
			for name, role := range roles {
				s.External[name] = auth.Role(role)
			}
		}},
}

var passwordKeys = []key[auth.PasswordRules]{
	field("min_length", "whole number", "8", "最少字符数", "characters at least",
		func(r *auth.PasswordRules) *int { return &r.MinLength }, whole(8, 64)),
	field("min_classes", "whole number", "3", "至少几类字符：小写、大写、数字、其他", "kinds of characters at least, of lower case, upper case, digits and others",
		func(r *auth.PasswordRules) *int { return &r.MinClasses }, whole(1, 4)),
	field("max_age", "duration", "90d", "多久须更换；0s 为不限", "after which a new one is due; 0s: never",
		func(r *auth.PasswordRules) *time.Duration { return &r.MaxAge }, duration(0, 10*year)),
}

var lockoutKeys = []key[auth.Lockout]{
	field("failures", "whole number", "5", "同一账号名连续失败几次后锁定", "failures of one account's name before a lock",
		func(l *auth.Lockout) *int { return &l.Failures }, whole(1, 100)),
	field("address_failures", "whole number", "20", "同一地址失败几次后锁定；多人共用出口时宜大", "failures of one address before a lock; more where many share one",
		func(l *auth.Lockout) *int { return &l.AddressFailures }, whole(1, 10_000)),
	field("shortest", "duration", "10m", "首次锁定多久，再犯加倍", "the first lock; each further one is twice as long",
		func(l *auth.Lockout) *time.Duration { return &l.Shortest }, duration(time.Minute, day)),
	field("longest", "duration", "30m", "最长锁定多久", "the longest lock",
		func(l *auth.Lockout) *time.Duration { return &l.Longest }, duration(time.Minute, day)),
}

var sessionKeys = []key[auth.SessionRules]{
	field("idle", "duration", "30m", "无操作多久后退出", "without a request",
		func(r *auth.SessionRules) *time.Duration { return &r.Idle }, duration(5*time.Minute, day)),
	field("longest", "duration", "12h", "最长多久，无论有无操作", "at most, whatever happens",
		func(r *auth.SessionRules) *time.Duration { return &r.Longest }, duration(5*time.Minute, 30*day)),
}

var headerKeys = []key[auth.HeaderRules]{
	field("account", "header name", "", "账号名所在请求头；写了才启用", "header that names the account; without it the mode is off",
		func(h *auth.HeaderRules) *string { return &h.Account }, pattern(headerName, "the name of a header such as X-Remote-User")),
	field("roles", "header name", "", "角色所在请求头，逗号分隔；缺省用账号自身的角色", "header with roles, separated by commas; without it the account's own count",
		func(h *auth.HeaderRules) *string { return &h.Roles }, pattern(headerName, "the name of a header such as X-Remote-Roles")),
	field("departments", "header name", "", "部门所在请求头，逗号分隔，`*` 为全部；不写这一项则用账号自身的部门", "header with departments, separated by commas, `*` for all; where this key is not set the account's own count",
		func(h *auth.HeaderRules) *string { return &h.Departments }, pattern(headerName, "the name of a header such as X-Remote-Departments")),
}

var oidcKeys = []key[auth.OIDCRules]{
	field("issuer", "URL", "", "身份源地址；写了才启用", "the provider; without it the mode is off",
		func(o *auth.OIDCRules) *string { return &o.Issuer }, address),
	field("client_id", "text", "", "在身份源登记的客户端", "the client as registered with the provider",
		func(o *auth.OIDCRules) *string { return &o.ClientID }, text),
	field("client_secret_env", "environment variable", "", "存放客户端密钥的环境变量（与 _file 二选一；公开客户端都不写）", "holds the client's secret (this or _file; neither for a public client)",
		func(o *auth.OIDCRules) *string { return &o.ClientSecretEnv }, variable),
	field("client_secret_file", "path", "", "存放客户端密钥的文件", "file that holds the client's secret",
		func(o *auth.OIDCRules) *string { return &o.ClientSecretFile }, secretFile),
	field("redirect_url", "URL", "", "登记的回调地址", "the address to return to, as registered",
		func(o *auth.OIDCRules) *string { return &o.RedirectURL }, address),
	field("ca_file", "path", "", "私有 CA 证书（PEM）", "certificates of a private CA (PEM), beside the system's",
		func(o *auth.OIDCRules) *string { return &o.CAFile }, file),
	field("scopes", "list of text", "", "openid 之外请求的范围，缺省 profile", "what is asked for beside openid; profile without this key",
		func(o *auth.OIDCRules) *[]string { return &o.Scopes }, list("scopes", text)),
	field("account_claim", "text", "preferred_username", "账号名所在声明", "claim that names the account",
		func(o *auth.OIDCRules) *string { return &o.AccountClaim }, text),
	field("roles_claim", "text", "", "角色所在声明；缺省用账号自身的角色", "claim with roles; without it the account's own count",
		func(o *auth.OIDCRules) *string { return &o.RolesClaim }, text),
	field("departments_claim", "text", "", "部门所在声明，`*` 为全部；不写这一项则用账号自身的部门", "claim with departments, `*` for all; where this key is not set the account's own count",
		func(o *auth.OIDCRules) *string { return &o.DepartmentsClaim }, text),
	field("create", "true or false", "false", "首次登录时自动建账号", "make an account of whoever signs in for the first time",
		func(o *auth.OIDCRules) *bool { return &o.Create }, yesNo),
}

// readAuth reads who may sign in and checks what spans several keys.
func readAuth(d *decoder, n *yaml.Node, at string, c *Config) {
	lines := readMap(d, n, at, authKeys, &c.Auth)
	s := c.Auth
	if s.Header.Account != "" && lines["proxies"] == 0 {
		d.bad(lines["header"], at+".header", "account without %s.proxies; name the gateways whose header counts", at)
	}
	if s.Header.Account == "" && (s.Header.Roles != "" || s.Header.Departments != "") {
		d.bad(lines["header"], at+".header", "account is missing")
	}
	if s.OIDC.Issuer != "" {
		for _, x := range []struct{ name, value string }{{"client_id", s.OIDC.ClientID}, {"redirect_url", s.OIDC.RedirectURL}} {
			if x.value == "" {
				d.bad(lines["oidc"], at+".oidc", "%s is missing", x.name)
			}
		}
	}
	if s.OIDC.ClientSecretEnv != "" && s.OIDC.ClientSecretFile != "" {
		d.bad(lines["oidc"], at+".oidc", "client_secret_env and client_secret_file are both given; want one")
	}
	if (s.Header.Roles != "" || s.OIDC.RolesClaim != "") && len(s.External) == 0 {
		d.bad(n.Line, at, "roles come from elsewhere and external is missing; say there which role each name stands for")
	}
	if strings.HasPrefix(s.OIDC.Issuer, "http://") {
		d.warn("%s.oidc.issuer: without TLS whoever stands between signs in as anybody; use https", at)
	}
	if slices.ContainsFunc(s.Proxies, func(p netip.Prefix) bool { return p.Bits() == 0 }) {
		d.warn("%s.proxies: every address counts as a gateway, so that anybody can say who he is", at)
	}
}

// OIDCSecret reads the secret of the OpenID Connect client; empty where the
// configuration names none.
func (c Config) OIDCSecret() (string, error) {
	o := c.Auth.OIDC
	if o.ClientSecretEnv == "" && o.ClientSecretFile == "" {
		return "", nil
	}
	return secret(o.ClientSecretEnv, o.ClientSecretFile)
}

// network reads an address or a network of addresses.
func network(d *decoder, n *yaml.Node, at string) (netip.Prefix, bool) {
	const want = "an address such as 10.0.0.5 or a network such as 10.0.0.0/24"
	s, ok := d.scalar(n, at, want)
	if !ok {
		return netip.Prefix{}, false
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p != p.Masked() || p.Addr().Is4In6() {
		d.bad(n.Line, at, "found %s; want %s", describe(n), want)
		return netip.Prefix{}, false
	}
	return p, true
}
