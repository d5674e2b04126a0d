package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write docs/reference/openapi.yaml")

const reference = "../../docs/reference/openapi.yaml"

// TestDocument holds the document that is served against the one in the repository.
func TestDocument(t *testing.T) {
	w := newWorld(t)
	got := w.ask("", asked{method: "GET", path: "/openapi.yaml"})
	if got.Code != http.StatusOK {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	text := append([]byte("# Made from internal/api by `go test ./internal/api -update`; served at /api/v1/openapi.yaml and .json.\n"), got.Body.Bytes()...)
	if *update {
		if err := os.WriteFile(reference, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, text) {
		t.Error("docs/reference/openapi.yaml is not what is served: go test ./internal/api -update, and read the difference")
	}
	var asYAML, asJSON struct {
		OpenAPI string                               `json:"openapi" yaml:"openapi"`
		Paths   map[string]map[string]map[string]any `json:"paths" yaml:"paths"`
	}
	if err := yaml.Unmarshal(got.Body.Bytes(), &asYAML); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(w.ask("", asked{method: "GET", path: "/openapi.json"}).Body.Bytes(), &asJSON); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(asJSON.OpenAPI, "3.1") || len(asJSON.Paths) == 0 || len(asJSON.Paths) != len(asYAML.Paths) {
		t.Errorf("OpenAPI %s, %d paths in JSON and %d in YAML", asJSON.OpenAPI, len(asJSON.Paths), len(asYAML.Paths))
	}
	for path := range asJSON.Paths {
		if !strings.HasPrefix(path, Prefix+"/") && !strings.HasPrefix(path, AuthPrefix+"/") {
			t.Errorf("%s stands elsewhere", path)
		}
	}
}
