package deploy

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"yunjian/cloud"
	"yunjian/internal/config"
	"yunjian/price"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// literals are the string literals of a folder's Go files, tests apart.
func literals(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no Go files in %s (%v)", dir, err)
	}
	var out []string
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				s, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, s)
			}
			return true
		})
	}
	return out
}

// formerNames are the names under which CloudMonitor authorizes a call beside
// the call's own.
var formerNames = map[string]string{
	"DescribeMetricList":     "QueryMetricList",
	"DescribeMetricMetaList": "QueryMetricMeta",
}

// notRAM are calls of Apsara Stack's own console, whose roles are granted there.
var notRAM = []string{"GetOrganizationList", "ListResourceGroup"}

// allowedBy reads a policy and returns the calls that it allows, which must be reading
// ones of some products.
func allowedBy(t *testing.T, file string, products ...string) (allowed []string) {
	t.Helper()
	var policy struct {
		Version   string
		Statement []struct {
			Effect   string
			Action   []string
			Resource string
		}
	}
	if err := json.Unmarshal([]byte(read(t, file)), &policy); err != nil {
		t.Fatal(err)
	}
	if policy.Version != "1" || len(policy.Statement) != 1 || policy.Statement[0].Effect != "Allow" {
		t.Fatalf("%s reads %+v, want one statement that allows", file, policy)
	}
	for _, action := range policy.Statement[0].Action {
		product, name, ok := strings.Cut(action, ":")
		if !ok || strings.Contains(action, "*") || !slices.Contains(products, product) || !regexp.MustCompile(`^(Describe|Query)[A-Z]`).MatchString(name) {
			t.Errorf("%s: %s is not one reading action of %v", file, action, products)
		}
		allowed = append(allowed, name)
	}
	return allowed
}

// TestPolicyAllowsWhatIsCalled compares the policies with the calls in the source
// of the collector: none missing, none to spare, none that could change
// anything.
func TestPolicyAllowsWhatIsCalled(t *testing.T) {
	allowed := slices.Concat(allowedBy(t, "ram-policy.json", "ecs", "vpc", "cms"), allowedBy(t, "ram-policy-bills.json", "bss", "bssapi"))
	slices.Sort(allowed)
	allowed = slices.Compact(allowed) // one call goes under two prefixes
	var called []string
	for _, s := range literals(t, "../collector/aliyun") {
		if !regexp.MustCompile(`^[A-Z][a-z]+[A-Z][A-Za-z]+$`).MatchString(s) || slices.Contains(notRAM, s) || slices.Contains(called, s) {
			continue
		}
		if regexp.MustCompile(`^(Describe|List|Get|Query)`).MatchString(s) {
			called = append(called, s)
			if former := formerNames[s]; former != "" {
				called = append(called, former)
			}
		}
		if regexp.MustCompile(`^(Modify|Delete|Create|Release|Stop|Start|Reboot|Resize|Attach|Detach|Put|Run|Terminate)[A-Z]`).MatchString(s) && !strings.HasSuffix(s, "Time") {
			t.Errorf("collector/aliyun holds the name %s, which would change the cloud", s)
		}
	}
	slices.Sort(called)
	if d := cmp.Diff(called, allowed); d != "" {
		t.Errorf("(-called +allowed)\n%s", d)
	}
}

// TestConfigurationIsValidAndWhole loads the example as it is, and wants every
// key that exists to be shown and told in both languages.
func TestConfigurationIsValidAndWhole(t *testing.T) {
	c, err := config.Load("yunjian.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("the example gives warnings: %v", c.Warnings)
	}
	lines := strings.Split(read(t, "yunjian.yaml"), "\n")
	for _, k := range config.Reference() {
		name := k.Name[strings.LastIndex(k.Name, ".")+1:]
		at := slices.IndexFunc(lines, func(s string) bool {
			return regexp.MustCompile(`^[\s#-]*` + regexp.QuoteMeta(name) + `:`).MatchString(s)
		})
		if at < 0 {
			t.Errorf("the example does not show %s", k.Name)
			continue
		}
		// The comment stands above, before other keys that it tells of together.
		for at--; at >= 0 && !strings.Contains(lines[at], " | ") && strings.TrimSpace(lines[at]) != ""; at-- {
		}
		if at < 0 || !regexp.MustCompile(`#.*\p{Han}.* \| .*[a-z]`).MatchString(lines[at]) {
			t.Errorf("the example does not tell in both languages what %s is", k.Name)
		}
	}
}

func TestPriceFileIsValid(t *testing.T) {
	b, err := price.Parse("prices.yaml", []byte(read(t, "prices.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	for _, r := range []cloud.Resource{
		{Kind: cloud.Instance, VCPU: 4, MemoryGiB: 16, StorageGiB: 100},
		{Kind: cloud.Disk, Category: "cloud_essd/PL1", StorageGiB: 100},
		{Kind: cloud.EIP, BandwidthMbps: 5},
	} {
		if q := b.Quote(r, at); !q.Known() {
			t.Errorf("the example does not price %s: %v", r.Kind, q.Missing)
		}
	}
}

var metricName = regexp.MustCompile(`\byunjian_[a-z_]+\b`)

// TestAlertsSpeakOfMetricsThatExist reads the rules as Prometheus does, as far
// as that goes without Prometheus, and looks each metric up in the daemon.
func TestAlertsSpeakOfMetricsThatExist(t *testing.T) {
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert       string
				Expr        string
				For         string
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(read(t, "alerts.yml")))
	decoder.KnownFields(true)
	if err := decoder.Decode(&rules); err != nil {
		t.Fatal(err)
	}
	exported := literals(t, "../internal/pipeline")
	seen := map[string]bool{}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if seen[r.Alert] || r.For == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("alert %q is not whole, or stands twice", r.Alert)
			}
			seen[r.Alert] = true
			names := metricName.FindAllString(r.Expr, -1)
			if len(names) == 0 {
				t.Errorf("alert %s looks at no metric of ours", r.Alert)
			}
			for _, name := range names {
				if !slices.Contains(exported, name) {
					t.Errorf("alert %s looks at %s, which internal/pipeline does not export", r.Alert, name)
				}
			}
		}
	}
	if len(seen) == 0 {
		t.Error("no alerts")
	}
}

// tool returns a program's path or skips the test by name.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		t.Skipf("%s not installed: %s", name, t.Name())
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAlertsByPromtool(t *testing.T) {
	if out, err := exec.CommandContext(t.Context(), tool(t, "promtool"), "check", "rules", "alerts.yml").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// units writes the units to a folder of their own, with a program that exists
// in place of the one that is not installed here, and returns their paths.
func units(t *testing.T, names ...string) (paths []string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range names {
		text := strings.Replace(read(t, name), "ExecStart=/usr/local/bin/yunjian serve", "ExecStart="+program+" serve", 1)
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func TestUnitsBySystemd(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	paths := units(t, "yunjian.service", "yunjian-backup.service", "yunjian-backup.timer")
	out, err := exec.CommandContext(t.Context(), analyze, append([]string{"verify", "--man=no", "--recursive-errors=no"}, paths...)...).CombinedOutput()
	if err != nil || strings.Contains(string(out), "yunjian") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// TestUnitExposure keeps the units shut: 0 is shut, 10 wide open. They are at
// 1.2 and 0.4 by systemd 252; later versions look at more.
func TestUnitExposure(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	for _, name := range []string{"yunjian.service", "yunjian-backup.service"} {
		out, err := exec.CommandContext(t.Context(), analyze, append([]string{"security", "--offline=true", "--no-pager"}, units(t, name)...)...).CombinedOutput()
		m := regexp.MustCompile(`Overall exposure level for ` + regexp.QuoteMeta(name) + `: ([0-9.]+)`).FindSubmatch(out)
		if m == nil {
			t.Fatalf("systemd-analyze security: %v\n%s", err, out)
		}
		if level, err := strconv.ParseFloat(string(m[1]), 64); err != nil || level > 1.5 {
			t.Errorf("%s: exposure %s, at most 1.5\n%s", name, m[1], out)
		}
	}
}

func TestAccountBySystemd(t *testing.T) {
	sysusers := tool(t, "systemd-sysusers")
	path, err := filepath.Abs("yunjian.sysusers")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), sysusers, "--dry-run", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	account := regexp.MustCompile(`(?m)^u (\S+) `).FindStringSubmatch(read(t, "yunjian.sysusers"))
	if account == nil || !strings.Contains(read(t, "yunjian.service"), "\nUser="+account[1]+"\n") {
		t.Errorf("the unit does not run as the account %v", account)
	}
}

// TestContainerCopiesWhatIsThere puts the build folder together and wants every
// source of a COPY in it, an empty base, and an account other than root.
func TestContainerCopiesWhatIsThere(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "sh", "../scripts/image-context.sh", program, dir)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var seen []string
	for s := range strings.Lines(read(t, "Containerfile")) {
		words := strings.Fields(s)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		seen = append(seen, words[0])
		switch words[0] {
		case "FROM":
			if words[1] != "scratch" {
				t.Errorf("base %s: an image would have to be fetched", words[1])
			}
		case "USER":
			if strings.HasPrefix(words[1], "0") || strings.HasPrefix(words[1], "root") {
				t.Errorf("runs as %s", words[1])
			}
		case "COPY":
			source := words[len(words)-2]
			if _, err := os.Stat(filepath.Join(dir, source)); err != nil {
				t.Errorf("copies %s: %v", source, err)
			}
		case "ENTRYPOINT", "CMD":
			var args []string
			if err := json.Unmarshal([]byte(strings.TrimSpace(strings.TrimPrefix(s, words[0]))), &args); err != nil || len(args) == 0 {
				t.Errorf("%s is not a list of words: %v", words[0], err)
			}
		case "RUN", "ADD":
			t.Errorf("%s on an empty base", words[0])
		}
	}
	for _, want := range []string{"FROM", "COPY", "USER", "VOLUME", "ENTRYPOINT"} {
		if !slices.Contains(seen, want) {
			t.Errorf("no %s", want)
		}
	}
	entries, err := fs.ReadDir(os.DirFS(dir), "data")
	if err != nil || len(entries) > 0 {
		t.Errorf("the data folder is not empty: %v %v", entries, err)
	}
}
