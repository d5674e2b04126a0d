package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/collector/bundle"
	"yunjian/internal/simcloud"
)

// TestTraceByFileAndByAPI reads real machines once as files and once through
// the API of the simulated cloud: the audits are the same, byte for byte.
// YUNJIAN_WHOLE_TRACE=1 takes all 407 machines instead of every twentieth.
func TestTraceByFileAndByAPI(t *testing.T) {
	t.Parallel()
	trace := os.Getenv("YUNJIAN_TRACES")
	if trace == "" {
		trace = filepath.Join(root(t), "..", "shared", "traces")
	}
	trace = filepath.Join(trace, "vm407")
	if _, err := os.Stat(trace); err != nil {
		t.Skipf("vm407 trace not present: %v", err)
	}
	dir := t.TempDir()
	part := trace
	if os.Getenv("YUNJIAN_WHOLE_TRACE") == "" {
		part = filepath.Join(dir, "trace")
		everyTwentieth(t, trace, part)
	}
	b, err := bundle.Open(part)
	if err != nil {
		t.Fatal(err)
	}
	now := "2013-09-11T13:40:00Z"
	end, err := time.Parse(time.RFC3339, now)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(simcloud.New(simcloud.FromBundle(b), simcloud.Options{
		Credentials: map[string]string{demoKey: demoSecret}, Quotas: simcloud.Unlimited(), Now: end,
	}))
	defer server.Close()
	api := fmt.Sprintf("data_dir: ./api\nclouds:\n  - {name: province, type: aliyun, regions: [cn-hangzhou], endpoint: %q, access_key_id_file: ./ak, access_key_secret_file: ./sk, budget: {queries_per_second: 5000, calls_per_month: 100000000}}\n", server.URL)
	for name, text := range map[string]string{"file.yaml": "data_dir: ./file\n", "api.yaml": api, "ak": demoKey, "sk": demoSecret} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	byFile, byAPI := filepath.Join(dir, "file.yaml"), filepath.Join(dir, "api.yaml")
	mustRun(t, "import", "--config", byFile, "--bundle", part)
	mustRun(t, "collect", "--config", byAPI, "--since", "31d", "--now", now)
	if diff := cmp.Diff(auditJSON(t, byFile, now), auditJSON(t, byAPI, now)); diff != "" {
		t.Errorf("the audits differ (-file +API):\n%s", diff)
	}
}

func auditJSON(t *testing.T, config, now string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run([]string{"audit", "--config", config, "--now", now, "--format", "json"}, &stdout, &stderr); code != exitDone {
		t.Fatalf("audit exited with %d: %s", code, &stderr)
	}
	return stdout.String()
}

// everyTwentieth copies every twentieth machine of a bundle.
func everyTwentieth(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(from, "inventory.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(to, "samples"), 0o700); err != nil {
		t.Fatal(err)
	}
	kept := rows[:1:1]
	for i := 1; i < len(rows); i += 20 {
		kept = append(kept, rows[i])
		name := filepath.Join("samples", rows[i][0]+".csv.gz")
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := csv.NewWriter(&out).WriteAll(kept); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, "inventory.csv"), out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
