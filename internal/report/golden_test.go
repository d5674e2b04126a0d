package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden holds every textual format in both languages to its golden file.
func TestGolden(t *testing.T) {
	extension := map[Format]string{Text: "txt", HTML: "html", CSV: "csv", JSON: "json"}
	for name, r := range map[string]Weekly{"rich": rich(t), "empty": empty()} {
		for f, ext := range extension {
			for _, l := range Langs() {
				t.Run(name+"/"+string(f)+"/"+string(l), func(t *testing.T) {
					var got bytes.Buffer
					if err := Write(&got, r, f, l); err != nil {
						t.Fatal(err)
					}
					if strings.Contains(got.String(), "%!") {
						t.Error("a message was given the wrong arguments")
					}
					path := filepath.Join("testdata", name+"."+string(l)+"."+ext)
					if *update {
						if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
							t.Fatal(err)
						}
					}
					want, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(string(want), got.String()); diff != "" {
						t.Errorf("%s (-want +got):\n%s", path, diff)
					}
				})
			}
		}
	}
}
