// Command prepare makes a module in which upstream's package podautoscaler can be compared with
// ours. It copies the package, as it is in Go's module cache, into a scratch folder, puts the files
// of _shim beside it, and changes two things in the copy:
//
//   - each function named below gets the prefix "upstream"; _shim has one of the old name, which
//     asks either it or hpa-oracle;
//   - time.Now() becomes shimNow(), so that a test can stop the clock.
//
// Upstream's tests are copied unchanged. Nothing of the copy is ever committed.
//
// Beside it stands what KEDA does between no replica and the first; see keda.go.
// For Knative's autoscaler it makes a module of those files that decide; see knative.go.
package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"unicode"
)

const upstream = "k8s.io/kubernetes/pkg/controller/podautoscaler"

// renamed are the functions that _shim has one of its own for, by file.
var renamed = map[string][]string{
	"replica_calculator.go": {
		"GetResourceReplicas", "GetRawResourceReplicas", "GetMetricReplicas",
		"GetObjectMetricReplicas", "GetObjectPerPodMetricReplicas",
		"GetExternalMetricReplicas", "GetExternalPerPodMetricReplicas",
		"groupPods", "calculateRequests", "calculatePodRequestsFromContainers",
	},
	"horizontal.go": {
		"reconcileAutoscaler", "stabilizeRecommendation", "stabilizeRecommendationWithBehaviors",
		"convertDesiredReplicasWithRules", "convertDesiredReplicasWithBehaviorRate",
		"calculateScaleUpLimit", "calculateScaleUpLimitWithScalingRules",
		"calculateScaleDownLimitWithBehaviors", "getReplicasChangePerPeriod", "storeScaleEvent",
	},
}

func main() {
	out := flag.String("out", "", "scratch folder")
	of := flag.String("of", "hpa", "what is compared: hpa or knative")
	flag.Parse()
	make, known := map[string]func(string) error{"hpa": prepare, "knative": prepareKnative}[*of]
	if *out == "" || !known {
		fail("say where to and what: -out FOLDER -of hpa|knative")
	}
	if err := make(*out); err != nil {
		fail(err.Error())
	}
}

func fail(text string) {
	fmt.Fprintln(os.Stderr, "prepare:", text)
	os.Exit(1)
}

func prepare(out string) error {
	listed, err := exec.Command("go", "list", "-f", "{{.Dir}}", upstream).Output()
	if err != nil {
		return fmt.Errorf("go list %s: %w", upstream, err)
	}
	from := strings.TrimSpace(string(listed))
	to := filepath.Join(out, "podautoscaler")
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := copyFile(name, filepath.Join(out, name)); err != nil {
			return err
		}
	}
	sources, err := filepath.Glob(filepath.Join(from, "*.go"))
	if err != nil {
		return err
	}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		name := filepath.Base(source)
		if !strings.HasSuffix(name, "_test.go") {
			if text, err = change(name, text, renamed[name]); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o644); err != nil {
			return err
		}
	}
	if err := prepareActivation(out); err != nil {
		return err
	}
	ours, err := filepath.Glob(filepath.Join("_shim", "*.go"))
	if err != nil {
		return err
	}
	for _, file := range ours {
		// "shim" first: no file of upstream's can have the same name.
		if err := copyFile(file, filepath.Join(to, "shim_"+filepath.Base(file))); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}

type edit struct {
	at, end int
	text    string
}

// change renames the functions and the clock, and fails where a function is not there.
func change(name string, text []byte, functions []string) ([]byte, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	wanted := map[string]int{}
	for _, f := range functions {
		wanted[f] = 0
	}
	offset := func(p token.Pos) int { return files.Position(p).Offset }
	var edits []edit
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.FuncDecl:
			if _, ok := wanted[n.Name.Name]; ok {
				wanted[n.Name.Name]++
				edits = append(edits, edit{offset(n.Name.Pos()), offset(n.Name.End()), prefixed(n.Name.Name)})
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && n.Sel.Name == "Now" {
				edits = append(edits, edit{offset(n.Pos()), offset(n.End()), "shimNow"})
			}
		}
		return true
	})
	for f, count := range wanted {
		if count != 1 {
			return nil, fmt.Errorf("%s has %d functions %s: upstream has changed, and _shim must follow", name, count, f)
		}
	}
	sort.Slice(edits, func(i, j int) bool { return edits[i].at > edits[j].at })
	for _, e := range edits {
		text = append(text[:e.at:e.at], append([]byte(e.text), text[e.end:]...)...)
	}
	return text, nil
}

func prefixed(name string) string {
	runes := []rune(name)
	runes[0] = unicode.ToUpper(runes[0])
	return "upstream" + string(runes)
}
