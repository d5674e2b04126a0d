package house

import (
	"fmt"
	"slices"
	"strings"
)

// layers, lowest first. A package may import packages of lower layers only,
// and those that sideways lists.
var layers = [][]string{
	{"cloud", "calendar"},
	{"ownership", "price", "policies", "utilization"},
	{"analyzer"},
	{"recommender"},
	{"audit", "backtest"},
	{"ledger", "notice"},
	{ // machinery: files, networks, clocks
		"collector", "collector/aliyun", "collector/bundle", "collector/collectortest",
		"internal/archive", "internal/auth", "internal/config", "internal/estate", "internal/history", "internal/journal", "internal/pages", "internal/registry", "internal/send", "internal/sheet", "internal/simcloud", "internal/store",
	},
	{"internal/pipeline"},
	{"internal/report", "internal/api", "internal/web", "internal/control"},
	{"cmd/yunjian", "deploy", "internal/house", "bench"},
}

// pure is how many of the layers judge: no file, network, clock or logger.
const pure = 6

// sideways are the imports allowed within a layer, and why.
var sideways = map[string][]string{
	"collector/aliyun":        {"collector"},                                           // implements Source
	"collector/collectortest": {"collector"},                                           // tests a Source
	"collector/bundle":        {"collector", "internal/sheet"},                         // implements Source; of tables
	"internal/archive":        {"internal/history", "internal/store"},                  // one file of both
	"internal/auth":           {"internal/store"},                                      // keeps accounts in it
	"internal/config":         {"internal/auth"},                                       // reads its settings
	"internal/estate":         {"collector/bundle"},                                    // writes a bundle
	"internal/history":        {"internal/pages"},                                      // checks its file
	"internal/registry":       {"internal/sheet"},                                      // reads tables
	"internal/store":          {"internal/pages", "internal/journal", "internal/send"}, // checks its file; records what it changes in the same transaction; keeps messages
	"internal/simcloud":       {"collector/bundle", "internal/estate"},                 // serves either
	"internal/web":            {"internal/report"},                                     // shows the latest
	"internal/api":            {"internal/report"},                                     // prints and tallies
}

// sdk is imported by collector/aliyun alone, so that leaving it is a matter of
// one package; the simulated cloud's tests drive it to prove themselves.
const sdk = "github.com/aliyun/alibaba-cloud-sdk-go"

func rank(pkg string) int {
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, pkg) })
}

func checkLayers(tr *tree) (wrong []string) {
	unplaced := map[string]bool{}
	for _, f := range tr.code {
		from := rank(f.pkg)
		if from < 0 {
			if !unplaced[f.pkg] {
				wrong = append(wrong, fmt.Sprintf("%s: package %s has no layer; place it in internal/house/layers_test.go", f.path, f.pkg))
			}
			unplaced[f.pkg] = true
			continue
		}
		tr.imports(f, func(imported, at string) {
			if strings.HasPrefix(imported, sdk) && f.pkg != "collector/aliyun" && !(f.pkg == "internal/simcloud" && f.test) {
				wrong = append(wrong, fmt.Sprintf("%s: %s imports the Alibaba SDK; only collector/aliyun may", at, f.pkg))
			}
			pkg, ok := own(imported)
			to := rank(pkg)
			switch {
			case !ok || to < 0 || pkg == f.pkg: // the standard library, another module, a package without a layer, a test of itself
			case to < from:
			case to == from && (f.test || slices.Contains(sideways[f.pkg], pkg)):
			case f.test && to <= pure: // a test of judgement may read files and traces
			case to == from:
				wrong = append(wrong, fmt.Sprintf("%s: %s imports %s, which stands beside it", at, f.pkg, pkg))
			default:
				wrong = append(wrong, fmt.Sprintf("%s: %s imports %s, which stands above it", at, f.pkg, pkg))
			}
		})
	}
	return wrong
}
