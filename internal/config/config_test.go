package config

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"yunjian/cloud"
	"yunjian/internal/auth"
	"yunjian/notice"
)

var ignoreLocation = cmp.Options{cmpopts.IgnoreFields(Config{}, "Location", "SHA256"), cmpopts.EquateComparable(netip.Prefix{})}

func full() Config {
	dir := filepath.Join("testdata", "good")
	return Config{
		DataDir: "/var/lib/yunjian", Listen: "[::1]:9900", TLSCertFile: "testdata/good/cert.pem", TLSKeyFile: "testdata/good/key.pem", Timezone: "UTC", Lang: "en",
		Metrics:  []cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent},
		Backfill: 31 * day, Policies: Policies{Pack: "aws", Files: []string{filepath.Join(dir, "exempt.yaml")}, Workflow: "cq-2021", WorkflowFile: filepath.Join(dir, "workflow.yaml")},
		Calendar:   Calendar{Files: []string{filepath.Join(dir, "holidays.yaml")}},
		PriceBook:  filepath.Join(dir, "prices.yaml"),
		Schedules:  Schedules{Collect: "@every 10m", Audit: "30 3 * * *", Report: "@weekly", Remind: "@hourly", Send: "@every 5m"},
		PublicURL:  "https://yunjian.example.gov.cn/console",
		Recipients: []Recipient{{Role: notice.Cloudadmin, Channel: "邮件", Address: "zhang.san@example.gov.cn", Name: "张三"}, {Role: notice.Dept, Channel: "邮件"}},
		Retention:  Retention{Raw: 2 * year}, Journal: Journal{Hash: "sm3"}, Log: Log{Level: "debug", Format: "text"},
		Auth: auth.Settings{
			Officers: auth.OfficersStrict, Password: auth.PasswordRules{MinLength: 12, MinClasses: 4, MaxAge: 60 * day},
			Lockout:      auth.Lockout{Failures: 3, AddressFailures: 50, Shortest: 15 * time.Minute, Longest: time.Hour},
			Session:      auth.SessionRules{Idle: 15 * time.Minute, Longest: 8 * time.Hour},
			TOTPRequired: []auth.Role{auth.SysAdmin, auth.SecAdmin},
			Proxies:      []netip.Prefix{netip.MustParsePrefix("10.0.0.5/32"), netip.MustParsePrefix("fd00::/8")},
			Header:       auth.HeaderRules{Account: "X-Remote-User", Roles: "X-Remote-Roles", Departments: "X-Remote-Departments"},
			OIDC: auth.OIDCRules{
				Issuer: "https://sso.example/realm", ClientID: "yunjian", ClientSecretFile: filepath.Join(dir, "sk"), RedirectURL: "https://yunjian.example/api/auth/login/oidc/callback",
				CAFile: filepath.Join(dir, "ca.pem"), Scopes: []string{"profile", "groups"}, AccountClaim: "uid", RolesClaim: "groups", DepartmentsClaim: "ou", Create: true,
			},
			External: map[string]auth.Role{"部门管理员": auth.Dept, "auditors": auth.Auditor},
		},
		Channels: []Channel{
			{
				Name: "邮件", Type: ChannelEmail, QuietHours: "21:30-07:30", AllowPrivate: true, CAFile: filepath.Join(dir, "ca.pem"), Timeout: time.Minute,
				Host: "smtp.example", Port: 2525, TLS: "starttls", Username: "yunjian", PasswordEnv: "YUNJIAN_SMTP", From: "云鉴 <yunjian@example.gov.cn>",
				AllowHosts: []string{"example.gov.cn", "*.example.gov.cn"},
			},
			{
				Name: "mail-2", Type: ChannelEmail, QuietHours: "20:00-08:00", Timeout: 30 * time.Second,
				Host: "10.0.0.5", TLS: "implicit", Username: "yunjian", PasswordFile: filepath.Join(dir, "sk"), From: "yunjian@example.gov.cn",
			},
			{
				Name: "group", Type: ChannelDingTalk, QuietHours: "none", Timeout: 30 * time.Second, BaseURL: "http://ding.example",
				TokenEnv: "YUNJIAN_DING", SecretFile: filepath.Join(dir, "sk"), AllowSchemes: []string{"https", "http"},
			},
			{
				Name: "group-2", Type: ChannelDingTalk, QuietHours: "20:00-08:00", Timeout: 30 * time.Second, BaseURL: "https://oapi.dingtalk.com",
				TokenFile: filepath.Join(dir, "token"), SecretEnv: "YUNJIAN_SEC", AllowSchemes: []string{"https"},
			},
			{
				Name: "hook", Type: ChannelWebhook, QuietHours: "20:00-08:00", Timeout: 30 * time.Second,
				URLEnv: "YUNJIAN_HOOK", SecretEnv: "YUNJIAN_SEC", AllowHosts: []string{"hooks.example"}, AllowSchemes: []string{"https"},
			},
			{
				Name: "hook-2", Type: ChannelWebhook, QuietHours: "20:00-08:00", Timeout: 30 * time.Second,
				URLFile: filepath.Join(dir, "token"), SecretFile: filepath.Join(dir, "sk"), AllowHosts: []string{"hooks.example"}, AllowSchemes: []string{"https"},
			},
			{Name: "log", Type: ChannelLog, QuietHours: "20:00-08:00", Timeout: 30 * time.Second},
		},
		Clouds: []Cloud{
			{
				Name: "省平台", Type: TypeAliyun, Account: "1234567890", Regions: []string{"cn-hangzhou", "cn-hangzhou-gov-1"},
				Endpoint:        "https://10.0.0.1:8443/asapi",
				Endpoints:       map[string]string{"ecs": "http://ecs.example", "cms": "http://cms.example", "vpc": "http://vpc.example", "ascm": "http://ascm.example", "bss": "http://bss.example"},
				AccessKeyIDFile: filepath.Join(dir, "ak"), AccessKeySecretEnv: "YUNJIAN_SK", SecurityTokenFile: filepath.Join(dir, "token"),
				CAFile: filepath.Join(dir, "ca.pem"), InsecureSkipVerify: true, Proxy: "http://proxy.example:3128", Timeout: time.Minute, Workers: 8,
				Budget:    Budget{QueriesPerSecond: 7.5, CallsPerMonth: 2_000_000, Reserve: 0.25},
				Ownership: Ownership{DepartmentTag: "部门", ApplicationTag: "应用", DepartmentFromResourceGroup: true, MappingFile: filepath.Join(dir, "owners.csv")},
				Bills:     true,
				Apsara: &Apsara{
					Domain: "intra.env00.example.com", OrganizationID: "37", ResourceGroupID: "12",
					Headers: map[string]string{"x-acs-caller-sdk-source": "yunjian"}, Query: map[string]string{"Product": "ecs"},
				},
			},
			{
				Name: "other", Type: TypeAliyun, Regions: []string{"r"}, AccessKeyIDEnv: "YUNJIAN_AK", AccessKeySecretFile: filepath.Join(dir, "sk"),
				SecurityTokenEnv: "YUNJIAN_TOKEN", Timeout: 30 * time.Second, Workers: 4,
				Budget:    Budget{QueriesPerSecond: 20, CallsPerMonth: 1_000_000, Reserve: 0.1},
				Ownership: Ownership{DepartmentTag: "department", ApplicationTag: "application"}, Apsara: &Apsara{Enumerate: true},
			},
			{
				Name: "exported", Type: TypeBundle, Path: filepath.Join("testdata", "exports"), Timeout: 30 * time.Second, Workers: 4,
				Budget:    Budget{QueriesPerSecond: 20, CallsPerMonth: 1_000_000, Reserve: 0.1},
				Ownership: Ownership{DepartmentTag: "department", ApplicationTag: "application"},
			},
		},
	}
}

func TestEveryKeyIsRead(t *testing.T) {
	for _, name := range []string{"ak", "sk", "token"} { // a checkout does not keep the mode
		if err := os.Chmod(filepath.Join("testdata", "good", name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Load(filepath.Join("testdata", "good", "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := full()
	want.Warnings = []string{
		"clouds[0].insecure_skip_verify: whoever stands between can read and alter what is collected; ca_file is the safe way",
		"channels[2].allow_schemes: over http whoever stands between can read what is sent; https with ca_file is the safe way",
	}
	if diff := cmp.Diff(want, got, ignoreLocation); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	if got.Location != time.UTC && got.Location.String() != "UTC" {
		t.Errorf("Location: %v", got.Location)
	}
	if got.Clouds[0].Budget.Calls() != 1_500_000 {
		t.Errorf("calls a month less the reserve: %d", got.Clouds[0].Budget.Calls())
	}
}

// The reference has exactly the keys that full.yaml sets, and full.yaml sets
// every field of Config to something that is not its zero value: a field
// without key, or a key without field, fails here.
func TestReferenceAndFieldsAgree(t *testing.T) {
	fields := map[string]bool{}
	var walk func(at string, v reflect.Type)
	walk = func(at string, v reflect.Type) {
		for i := range v.NumField() {
			f := v.Field(i)
			name := at + snake(f.Name)
			if at == "" && (f.Name == "Location" || f.Name == "Warnings" || f.Name == "SHA256") { // derived
				continue
			}
			fields[name] = true
			typ := f.Type
			if typ.Kind() == reflect.Pointer {
				typ = typ.Elem()
			}
			switch {
			case typ.Kind() == reflect.Struct:
				walk(name+".", typ)
			case typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.Struct && typ.Elem() != reflect.TypeFor[netip.Prefix]():
				walk(name+"[].", typ.Elem())
			}
		}
	}
	walk("", reflect.TypeFor[Config]())
	keys := map[string]bool{}
	for _, k := range Reference() {
		if keys[k.Name] {
			t.Errorf("%s stands twice", k.Name)
		}
		keys[k.Name] = true
		if k.Type == "" || k.ZH == "" || k.EN == "" {
			t.Errorf("%s is not explained: %+v", k.Name, k)
		}
	}
	if diff := cmp.Diff(fields, keys); diff != "" {
		t.Errorf("-field without key +key without field:\n%s", diff)
	}

	set := map[string]bool{}
	var mark func(at string, v reflect.Value)
	mark = func(at string, v reflect.Value) {
		for i := range v.NumField() {
			f, name := v.Field(i), at+snake(v.Type().Field(i).Name)
			if f.IsZero() {
				continue
			}
			set[name] = true
			if f.Kind() == reflect.Pointer {
				f = f.Elem()
			}
			switch {
			case f.Kind() == reflect.Struct:
				mark(name+".", f)
			case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct && f.Type().Elem() != reflect.TypeFor[netip.Prefix]():
				for j := range f.Len() {
					mark(name+"[].", f.Index(j))
				}
			}
		}
	}
	mark("", reflect.ValueOf(full()))
	for k := range keys {
		if !set[k] && k != "auth.oidc.client_secret_env" { // beside _file it is a mistake; TestOIDCSecret reads it
			t.Errorf("full.yaml does not set %s: nothing proves that it is read", k)
		}
	}
}

// snake writes a field's name as its key: CAFile is ca_file.
func snake(name string) string {
	var b strings.Builder
	r := []rune(name)
	for i, c := range r {
		if unicode.IsUpper(c) && i > 0 && (unicode.IsLower(r[i-1]) || (i+1 < len(r) && unicode.IsLower(r[i+1]))) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// Defaults in the reference are those that Default gives.
func TestReferenceDefaults(t *testing.T) {
	var text strings.Builder
	for _, k := range Reference() {
		if k.Default == "" || k.Default == "all" || strings.HasPrefix(k.Name, "clouds") || strings.HasPrefix(k.Name, "channels") {
			continue
		}
		parents := strings.Split(k.Name, ".")
		if depth := len(parents) - 1; depth > 0 {
			fmt.Fprintf(&text, "%s: %q%s\n", strings.Join(parents, ": {"), k.Default, strings.Repeat("}", depth))
			got, err := parse("yunjian.yaml", []byte(text.String()))
			if err != nil {
				t.Fatalf("%s: %v", k.Name, err)
			}
			if diff := cmp.Diff(Default(), got, ignoreLocation); diff != "" {
				t.Errorf("default of %s (-Default +reference):\n%s", k.Name, diff)
			}
			text.Reset()
			continue
		}
		got, err := parse("yunjian.yaml", fmt.Appendf(nil, "%s: %q\n", k.Name, k.Default))
		if err != nil {
			t.Fatalf("%s: %v", k.Name, err)
		}
		if diff := cmp.Diff(Default(), got, ignoreLocation); diff != "" {
			t.Errorf("default of %s (-Default +reference):\n%s", k.Name, diff)
		}
	}
	cloudText := "{name: a, type: aliyun, regions: [r], access_key_id_env: A, access_key_secret_env: B"
	plain, err := parse("yunjian.yaml", []byte("clouds: ["+cloudText+"}]"))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range Reference() {
		name, ok := strings.CutPrefix(k.Name, "clouds[].")
		if !ok || k.Default == "" {
			continue
		}
		entry := fmt.Sprintf("%s: %q", name, k.Default)
		if parent, child, nested := strings.Cut(name, "."); nested {
			if parent == "apsara" {
				continue // its presence means something
			}
			entry = fmt.Sprintf("%s: {%s: %q}", parent, child, k.Default)
		}
		got, err := parse("yunjian.yaml", []byte("clouds: ["+cloudText+", "+entry+"}]"))
		if err != nil {
			t.Fatalf("%s: %v", k.Name, err)
		}
		if diff := cmp.Diff(plain, got, ignoreLocation); diff != "" {
			t.Errorf("default of %s (-default +reference):\n%s", k.Name, diff)
		}
	}
}

// Defaults of channels in the reference are those of a channel without the key.
func TestReferenceDefaultsOfChannels(t *testing.T) {
	least := map[ChannelType]string{
		ChannelEmail:    "host: smtp.example, from: a@b.example",
		ChannelDingTalk: "token_env: A, secret_env: B",
		ChannelWebhook:  "url_env: A, secret_env: B, allow_hosts: [h]",
	}
	for typ, keys := range least {
		text := "channels: [{name: a, type: " + string(typ) + ", " + keys
		plain, err := parse("yunjian.yaml", []byte(text+"}]"))
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range Reference() {
			name, ok := strings.CutPrefix(k.Name, "channels[].")
			if !ok || k.Default == "" || !slices.Contains(slices.Concat(commonChannelKeys, channelTypeKeys[typ]), name) {
				continue
			}
			value := fmt.Sprintf("%q", k.Default)
			if strings.HasPrefix(k.Type, "list") {
				value = "[" + value + "]"
			}
			got, err := parse("yunjian.yaml", []byte(text+", "+name+": "+value+"}]"))
			if err != nil {
				t.Fatalf("%s: %v", k.Name, err)
			}
			if diff := cmp.Diff(plain, got, ignoreLocation); diff != "" {
				t.Errorf("default of %s for %s (-default +reference):\n%s", k.Name, typ, diff)
			}
		}
	}
}

func TestChannelSecrets(t *testing.T) {
	t.Setenv("YUNJIAN_TEST_TOKEN", "hush")
	c := Channel{Name: "a", TokenEnv: "YUNJIAN_TEST_TOKEN", SecretEnv: "YUNJIAN_TEST_TOKEN"}
	got, err := c.Secrets()
	if err != nil || got.Token != "hush" || got.Secret != "hush" {
		t.Fatalf("secrets were not read: %v", err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if shown := fmt.Sprintf(verb, got); strings.Contains(shown, "hush") {
			t.Errorf("%s shows the secret: %s", verb, shown)
		}
	}
	c.URLEnv, c.PasswordFile = "YUNJIAN_TEST_UNSET", filepath.Join(t.TempDir(), "none")
	_, err = c.Secrets()
	want := "read password of channel a: open file " + c.PasswordFile + ": no such file or directory\nread url of channel a: environment variable YUNJIAN_TEST_UNSET is not set"
	if err == nil || err.Error() != want {
		t.Errorf("error: %v\nwant: %s", err, want)
	}
}

func TestEmptyFileIsTheDefault(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "{}\n"} {
		got, err := parse("etc/yunjian.yaml", []byte(text))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		want := Default()
		want.DataDir = filepath.Join("etc", "data")
		if diff := cmp.Diff(want, got, ignoreLocation); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// One file a mistake; its first lines say the exact messages.
func TestBadConfigurations(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "*.yaml"))
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for line := range strings.Lines(string(text)) {
				if message, ok := strings.CutPrefix(line, "# want: "); ok {
					want = append(want, strings.TrimSpace(message))
				}
			}
			_, err = Load(file)
			var wrong *Error
			if !errors.As(err, &wrong) {
				t.Fatalf("error: %v", err)
			}
			got := strings.ReplaceAll(err.Error(), filepath.Dir(file)+string(filepath.Separator), "")
			if diff := cmp.Diff(strings.Join(want, "\n"), got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
			if strings.Contains(strings.TrimPrefix(got, "secret"), "Secret0") || strings.Contains(got, "LTAI") || strings.Contains(got, ":Secret@") {
				t.Errorf("a message shows a secret: %s", got)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"open": 0o644, "group": 0o640, "own": 0o600} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("k"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	text := `listen: :8900
backfill: 3y
clouds:
  - {name: a, type: aliyun, regions: [r], access_key_id_file: group, access_key_secret_file: open, security_token_file: later}
`
	got, err := parse(filepath.Join(dir, "yunjian.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"backfill is longer than retention.raw: the oldest samples are read and dropped again",
		"clouds[0].access_key_secret_file: open may be read by every account of this machine (mode 0644); chmod 600 it",
		"listen: :8900 is reachable from other machines without TLS: passwords would pass unencrypted, and browsers keep no session; set tls_cert_file and tls_key_file, or put a gateway with TLS before it and name it in auth.proxies",
	}
	if diff := cmp.Diff(want, got.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Setenv("YUNJIAN_TEST_AK", "id")
	t.Setenv("YUNJIAN_TEST_EMPTY", "")
	c := Cloud{Name: "a", Type: TypeAliyun, AccessKeyIDEnv: "YUNJIAN_TEST_AK", AccessKeySecretFile: write("sk", "\xef\xbb\xbfhush\r\n"), SecurityTokenFile: write("token", "t")}
	got, err := c.Credentials()
	if err != nil {
		t.Fatal(err)
	}
	if got.AccessKeyID != "id" || got.AccessKeySecret != "hush" || got.SecurityToken != "t" {
		t.Error("not the secrets that were set")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if shown := fmt.Sprintf(verb, got); strings.Contains(shown, "hush") {
			t.Errorf("%s shows the secret: %s", verb, shown)
		}
	}

	c.AccessKeyIDEnv, c.AccessKeySecretFile, c.SecurityTokenFile = "YUNJIAN_TEST_EMPTY", filepath.Join(dir, "none"), write("words", "hush hush")
	_, err = c.Credentials()
	want := "read access_key_id of cloud a: environment variable YUNJIAN_TEST_EMPTY is not set\n" +
		"read access_key_secret of cloud a: open file " + filepath.Join(dir, "none") + ": no such file or directory\n" +
		"read security_token of cloud a: file " + filepath.Join(dir, "words") + " holds more than one word; want the secret alone"
	if err == nil || err.Error() != want {
		t.Errorf("error: %v\nwant: %s", err, want)
	}
	if got, err := (Cloud{Type: TypeBundle}).Credentials(); err != nil || got != (Credentials{}) {
		t.Errorf("of a bundle: %v, %v", got, err)
	}
}

func TestLoadRefusesWhatIsNoFile(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a folder was read as a configuration")
	}
	big := filepath.Join(t.TempDir(), "big.yaml")
	if err := os.WriteFile(big, []byte(strings.Repeat("# x\n", maxBytes/4+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(big); err == nil || !strings.HasSuffix(err.Error(), "big.yaml: larger than 1024 KiB") {
		t.Errorf("too large: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"good/full.yaml", "bad/*.yaml"} {
		files, err := filepath.Glob(filepath.Join("testdata", filepath.FromSlash(pattern)))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parse("yunjian.yaml", text)
		var wrong *Error
		switch {
		case errors.As(err, &wrong):
			for _, m := range wrong.Mistakes {
				if m.Text == "" {
					t.Errorf("a mistake without words: %+v", m)
				}
			}
			if !slices.IsSortedFunc(wrong.Mistakes, func(a, b Mistake) int { return a.Line - b.Line }) {
				t.Errorf("mistakes out of order: %v", err)
			}
		case err != nil:
			t.Errorf("an error that is no list of mistakes: %v", err)
		default:
			if c.Location == nil || len(c.Metrics) == 0 || c.Backfill <= 0 || c.DataDir == "" {
				t.Errorf("incomplete: %+v", c)
			}
			for _, x := range c.Clouds {
				if x.Name == "" || (x.Type == TypeBundle) == (x.Path == "") {
					t.Errorf("incomplete: %+v", x)
				}
			}
		}
	})
}

func TestOIDCSecret(t *testing.T) {
	t.Setenv("OIDC_SECRET", "s3cret")
	c, err := parse("yunjian.yaml", []byte("auth: {oidc: {issuer: \"https://sso.example\", client_id: y, redirect_url: \"https://y.example\", client_secret_env: OIDC_SECRET}}"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.OIDCSecret(); got != "s3cret" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := Default().OIDCSecret(); got != "" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
