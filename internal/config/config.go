package config

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // time zones where the system has none, as in a container

	"go.yaml.in/yaml/v3"

	"yunjian/cloud"
	"yunjian/internal/auth"
)

// Config is the whole configuration, defaults filled in, paths absolute or
// relative to the working directory.
type Config struct {
	DataDir     string
	Listen      string // host:port of the console
	TLSCertFile string // file; empty: plain HTTP
	TLSKeyFile  string // file
	Timezone    string
	Lang        string // zh or en
	Clouds      []Cloud
	Channels    []Channel
	PublicURL   string // of the console, as people reach it; empty: messages have no links
	Recipients  []Recipient
	Metrics     []cloud.Metric // in the order of cloud.Metrics
	Backfill    time.Duration  // how far back the first collection reads
	Policies    Policies
	Calendar    Calendar
	PriceBook   string // file; empty: the built-in example book
	Schedules   Schedules
	Retention   Retention
	Journal     Journal
	Auth        auth.Settings // who may sign in, and how
	Log         Log

	SHA256   string         // of the file as read; it holds no secrets
	Location *time.Location // of Timezone
	Warnings []string       // what is allowed and yet worth a look
}

// Type is the kind of source of a cloud.
type Type string

// Types of clouds.
const (
	TypeAliyun Type = "aliyun" // Alibaba Cloud, public or Apsara Stack
	TypeBundle Type = "bundle" // a folder of files
)

// Cloud is one account of one cloud, or one bundle.
type Cloud struct {
	Name string
	Type Type

	// Of type bundle.
	Path string

	// Of type aliyun.
	Account             string
	Regions             []string
	Endpoint            string            // URL of one server for every product
	Endpoints           map[string]string // product → URL; wins over Endpoint
	AccessKeyIDEnv      string
	AccessKeyIDFile     string
	AccessKeySecretEnv  string
	AccessKeySecretFile string
	SecurityTokenEnv    string
	SecurityTokenFile   string
	CAFile              string // PEM, in addition to the system's
	InsecureSkipVerify  bool
	Proxy               string        // URL
	Timeout             time.Duration // of one call
	Workers             int           // calls at the same time
	Budget              Budget
	Ownership           Ownership
	Bills               bool    // are read from the API
	Apsara              *Apsara // nil: public cloud
}

// CloudNames are the clouds that an audit judges: those configured, and what
// was imported beside them. One that was taken out of the configuration stays
// in the data folder and counts no longer.
func (c Config) CloudNames() []string {
	names := []string{ImportName}
	for _, x := range c.Clouds {
		names = append(names, x.Name)
	}
	return names
}

// Budget is how much of the cloud's API may be used.
type Budget struct {
	QueriesPerSecond float64
	CallsPerMonth    int     // the account's quota of metric calls
	Reserve          float64 // share of CallsPerMonth left to others, 0 to 1
}

// Calls is how many metric calls a month Yunjian may make: the quota less the
// reserve.
func (b Budget) Calls() int { return int(float64(b.CallsPerMonth) * (1 - b.Reserve)) }

// Ownership says where department and application of a resource are read, most
// trusted first: mapping file, tags, resource group.
type Ownership struct {
	DepartmentTag               string
	ApplicationTag              string
	DepartmentFromResourceGroup bool
	MappingFile                 string
}

// Apsara is what an Apsara Stack installation needs beside the endpoints.
type Apsara struct {
	Domain          string // installation domain, from which endpoints are derived
	OrganizationID  string
	ResourceGroupID string
	Enumerate       bool // list every organization and resource set and read each
	Headers         map[string]string
	Query           map[string]string
}

// Policies names the policy pack in force and further files.
type Policies struct {
	Pack         string
	Files        []string
	Workflow     string // id of a shipped one
	WorkflowFile string // in place of a shipped one; empty: none
}

// Calendar names the files of holidays and seasons that come to the shipped
// ones, or take their place.
type Calendar struct {
	Files []string
}

// Schedules are cron expressions in Timezone, or "@every 5m".
type Schedules struct {
	Collect string
	Audit   string
	Report  string
	Remind  string
	Send    string
}

// Retention is how long is kept what can be dropped.
type Retention struct {
	Raw time.Duration // utilization samples
}

// Journal is how the record of what is done is kept.
type Journal struct {
	Hash string // sha256 or sm3: of entries to come
}

// Log is how the daemon logs.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // json or text
}

// Default returns the configuration of an empty file: no clouds, the example
// price book, the baseline policy pack.
func Default() Config {
	return Config{
		DataDir:   "data",
		Listen:    "127.0.0.1:8900",
		Timezone:  "Asia/Shanghai",
		Location:  mustLocation("Asia/Shanghai"),
		Lang:      "zh",
		Metrics:   cloud.Metrics(),
		Backfill:  91 * 24 * time.Hour,
		Policies:  Policies{Pack: "cn-gov-baseline", Workflow: "cn-gov-baseline"},
		Schedules: Schedules{Collect: "@every 5m", Audit: "0 2 * * *", Report: "0 8 * * 1", Remind: "*/15 * * * *", Send: "@every 1m"},
		Retention: Retention{Raw: 400 * 24 * time.Hour},
		Journal:   Journal{Hash: "sha256"},
		Auth:      auth.DefaultSettings(),
		Log:       Log{Level: "info", Format: "json"},
	}
}

// defaultCloud is a cloud before its keys are read.
func defaultCloud() Cloud {
	return Cloud{
		Timeout: 30 * time.Second,
		Workers: 4,
		Budget:  Budget{QueriesPerSecond: 20, CallsPerMonth: 1_000_000, Reserve: 0.1},
		Ownership: Ownership{
			DepartmentTag:  "department",
			ApplicationTag: "application",
		},
	}
}

// mustLocation loads a zone that is embedded in the program.
func mustLocation(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // the zone database is compiled in
	}
	return loc
}

// maxBytes is far above any honest configuration.
const maxBytes = 1 << 20

// Load reads the configuration file at path. Everything wrong with it is in
// one *Error; an error of another kind means that it could not be read.
func Load(path string) (Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	c, err := parse(path, text)
	if err == nil {
		c.SHA256 = fmt.Sprintf("%x", sha256.Sum256(text))
	}
	return c, err
}

// parse decodes text as the file at path.
func parse(path string, text []byte) (Config, error) {
	d := &decoder{dir: filepath.Dir(path)}
	c := Default()
	c.DataDir = filepath.Join(d.dir, c.DataDir)
	if root := d.document(text); root != nil {
		d.exposure(&c, readMap(d, root, "", topKeys, &c))
	}
	for _, check := range d.later {
		check()
	}
	if c.Retention.Raw < c.Backfill && d.clean() {
		c.Warnings = append(c.Warnings, "backfill is longer than retention.raw: the oldest samples are read and dropped again")
	}
	if len(c.Channels) > 0 && len(c.Recipients) == 0 && d.clean() {
		c.Warnings = append(c.Warnings, "channels without recipients: nobody is told anything")
	}
	c.Warnings = append(c.Warnings, d.warnings...)
	if !d.clean() {
		slices.SortStableFunc(d.mistakes, func(a, b Mistake) int { return a.Line - b.Line })
		return Config{}, &Error{File: path, Mistakes: d.mistakes}
	}
	return c, nil
}

// document parses text and returns its one mapping; nil when it is empty or
// not a mapping.
func (d *decoder) document(text []byte) *yaml.Node {
	if len(text) > maxBytes {
		d.bad(0, "", "larger than %d KiB", maxBytes>>10)
		return nil
	}
	in := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	switch err := in.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		line, message := syntax(err)
		d.bad(line, "", "%s", message)
		return nil
	}
	if err := in.Decode(&more); !errors.Is(err, io.EOF) {
		d.bad(more.Line, "", "a second YAML document begins here; want one")
		return nil
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil
	}
	return root
}

// parserErrors are the messages whose lines the YAML library counts from 0; it
// counts those of its scanner from 1.
var parserErrors = []string{"node content", "key", "',' or ']'", "',' or '}'", "'-' indicator", "<document start>", "<stream-start>"}

// syntax takes the line out of an error of the YAML library, which has it in
// its text alone: "yaml: line 3: did not find expected key".
func syntax(err error) (line int, message string) {
	message = strings.TrimPrefix(err.Error(), "yaml: ")
	if n, scanErr := fmt.Sscanf(message, "line %d:", &line); scanErr == nil && n == 1 {
		_, message, _ = strings.Cut(message, ": ")
	}
	if what, ok := strings.CutPrefix(message, "did not find expected "); ok && slices.Contains(parserErrors, what) {
		line++
		if what != "node content" { // the line is that of the construct, not of the fault
			message += " in what begins on this line"
		}
	}
	return line, "not YAML: " + message
}
