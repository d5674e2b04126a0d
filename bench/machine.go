package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// machine is what a run ran on.
type machine struct {
	Date     time.Time `json:"date"`
	CPU      string    `json:"cpu"`
	Cores    int       `json:"cores"`
	MemoryKB int64     `json:"memory_kb"`
	Kernel   string    `json:"kernel"`
	Go       string    `json:"go"`
	Commit   string    `json:"commit"`
	Peers    []string  `json:"peers,omitempty"`
}

func thisMachine() machine {
	m := machine{Date: time.Now().UTC().Truncate(time.Second), Cores: runtime.NumCPU(), Go: strings.TrimPrefix(runtime.Version(), "go")}
	m.CPU = field("/proc/cpuinfo", "model name")
	m.MemoryKB = kilobytes("/proc/meminfo", "MemTotal")
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease") // an unknown kernel is left empty
	m.Kernel = strings.TrimSpace(string(kernel))
	commit, _ := exec.Command("git", "describe", "--always", "--dirty").Output() // so is a commit outside a checkout
	m.Commit = strings.TrimSpace(string(commit))
	return m
}

func (m machine) String() string {
	return strings.Join(append([]string{fmt.Sprintf("%s, commit %s: %s, %d cores, %.1f GiB, Linux %s, Go %s",
		m.Date.Format(time.RFC3339), m.Commit, m.CPU, m.Cores, float64(m.MemoryKB)/(1<<20), m.Kernel, m.Go)}, m.Peers...), ", ")
}

// field is the value of the first line "name: value" in a file of /proc, empty
// where there is none.
func field(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// kilobytes is a figure of /proc, 0 where it is not given.
func kilobytes(path, name string) int64 {
	number, _, _ := strings.Cut(field(path, name), " ")
	kb, _ := strconv.ParseInt(number, 10, 64) // 0 where it is none
	return kb
}

// version is the module's in this program.
func version(module string) string {
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, d := range info.Deps {
			if d.Path == module {
				return d.Version
			}
		}
	}
	return "?"
}
