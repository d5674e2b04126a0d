package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/internal/estate"
	"yunjian/internal/simcloud"
)

// grants are the actions that a policy in deploy allows, sorted.
func grants(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "deploy", file))
	if err != nil {
		t.Fatal(err)
	}
	var policy struct {
		Statement []struct {
			Effect string
			Action []string
		}
	}
	if err := json.Unmarshal(text, &policy); err != nil {
		t.Fatal(err)
	}
	var granted []string
	for _, s := range policy.Statement {
		granted = append(granted, s.Action...)
	}
	slices.Sort(granted)
	return granted
}

// TestRAMPolicy compares the access policy shipped with what a collection
// really asks of a cloud: nothing missing, nothing to spare.
func TestRAMPolicy(t *testing.T) {
	granted := grants(t, "ram-policy.json")

	world := estate.New(estate.Options{Instances: 10, Days: 3, Seed: 2})
	sim := simcloud.New(world, simcloud.Options{Credentials: map[string]string{demoKey: demoSecret}, Quotas: simcloud.Unlimited(), Now: world.End()})
	server := httptest.NewServer(sim)
	defer server.Close()
	config := billedCloud(t, server.URL)
	now := world.End().Format(time.RFC3339)
	mustRun(t, "collect", "--config", config, "--now", now, "--plan")
	mustRun(t, "collect", "--config", config, "--now", now)
	asked := sim.Permissions()
	// RAM knows two of CloudMonitor's calls under older names as well: see
	// deploy/doc.go.
	for call, older := range map[string]string{"cms:DescribeMetricList": "cms:QueryMetricList", "cms:DescribeMetricMetaList": "cms:QueryMetricMeta"} {
		if slices.Contains(asked, call) {
			asked = append(asked, older)
		}
	}
	slices.Sort(asked)
	if diff := cmp.Diff(asked, granted); diff != "" {
		t.Errorf("deploy/ram-policy.json differs from what a collection asks for (-asked +granted):\n%s", diff)
	}
}

// TestRAMPolicyOfBills: the policy beside it allows what reading bills asks for, under
// both names in use (see deploy/doc.go); without it the bill is refused with the action
// that is missing, its calls are counted, and everything else goes on.
func TestRAMPolicyOfBills(t *testing.T) {
	world := estate.New(estate.Options{Instances: 10, Days: 3, Seed: 2})
	sim := simcloud.New(world, simcloud.Options{
		Credentials: map[string]string{demoKey: demoSecret}, Quotas: simcloud.Unlimited(), Now: world.End(), Denied: []string{"DescribeInstanceBill"},
	})
	server := httptest.NewServer(sim)
	defer server.Close()
	config := billedCloud(t, server.URL)
	now := world.End().Format(time.RFC3339)
	month := world.End().AddDate(0, -2, 0).Format("2006-01")
	var stdout, stderr bytes.Buffer
	if code := run([]string{"bill", "fetch", "--config", config, "--now", now, "--month", month}, &stdout, &stderr); code != exitFailed {
		t.Fatalf("exited with %d\n%s%s", code, &stdout, &stderr)
	}
	for _, want := range []string{"read the bill of " + month + " of cloud a, page 1", "Forbidden.RAM", "给子账号授予 RAM 动作 bss:DescribeInstanceBill", "collection, audits and reports go on without"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("no %q in\n%s", want, &stderr)
		}
	}
	if strings.Contains(stderr.String(), demoSecret) {
		t.Errorf("the secret is shown: %s", &stderr)
	}
	asked := sim.Permissions()
	granted := grants(t, "ram-policy-bills.json")
	if diff := cmp.Diff(append(asked, "bssapi:DescribeInstanceBill"), granted); diff != "" {
		t.Errorf("deploy/ram-policy-bills.json differs from what a bill asks for (-asked +granted):\n%s", diff)
	}
	mustRun(t, "collect", "--config", config, "--now", now)
	stdout.Reset()
	if code := run([]string{"journal", "show", "--config", config, "--action", "bills"}, &stdout, &stderr); code != exitDone || !strings.Contains(stdout.String(), "bills.failed  bills:a/"+month) {
		t.Errorf("journal: %s%s", &stdout, &stderr)
	}
}

// billedCloud writes a configuration of a cloud at url whose bills are read.
func billedCloud(t *testing.T, url string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ak": demoKey, "sk": demoSecret,
		"yunjian.yaml": fmt.Sprintf("clouds:\n  - {name: a, type: aliyun, regions: [cn-hangzhou], endpoint: %q, access_key_id_file: ./ak, access_key_secret_file: ./sk, budget: {queries_per_second: 1000}, bills: true}\n", url),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "yunjian.yaml")
}
