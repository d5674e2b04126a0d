package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/internal/estate"
	"yunjian/internal/simcloud"
)

// TestRAMPolicy compares the access policy shipped with what a collection
// really asks of a cloud: nothing missing, nothing to spare.
func TestRAMPolicy(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(t), "deploy", "ram-policy.json"))
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

	world := estate.New(estate.Options{Instances: 10, Days: 3, Seed: 2})
	sim := simcloud.New(world, simcloud.Options{Credentials: map[string]string{demoKey: demoSecret}, Quotas: simcloud.Unlimited(), Now: world.End()})
	server := httptest.NewServer(sim)
	defer server.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "yunjian.yaml")
	for name, text := range map[string]string{
		"ak": demoKey, "sk": demoSecret,
		"yunjian.yaml": fmt.Sprintf("clouds:\n  - {name: a, type: aliyun, regions: [cn-hangzhou], endpoint: %q, access_key_id_file: ./ak, access_key_secret_file: ./sk, budget: {queries_per_second: 1000}}\n", server.URL),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
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
