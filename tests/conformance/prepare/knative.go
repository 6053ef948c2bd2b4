package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const serving = "knative.dev/serving"

// taken are the files of Knative's that are compared with ours, unchanged, or the declarations named,
// unchanged, with the imports that these need. The rest of the module is left out, as it imports
// modules that are not needed for a decision. What little of those is asked for stands in _standin.
var taken = []struct {
	file  string
	parts []string // all of the file where there are none
}{
	{file: "pkg/autoscaler/scaling/autoscaler.go"},
	{file: "pkg/autoscaler/scaling/multiscaler.go"},
	{file: "pkg/autoscaler/scaling/zz_generated.deepcopy.go"},
	{file: "pkg/autoscaler/scaling/metrics.go"},
	{file: "pkg/autoscaler/metrics/collector.go"},
	{file: "pkg/autoscaler/metrics/stat.pb.go", parts: []string{"Stat"}},
	{file: "pkg/autoscaler/aggregation/bucketing.go"},
	{file: "pkg/autoscaler/aggregation/max/timewindow.go"},
	{file: "pkg/autoscaler/aggregation/max/window.go"},
	{file: "pkg/autoscaler/config/autoscalerconfig/autoscalerconfig.go"},
	{file: "pkg/autoscaler/config/config.go", parts: []string{"BucketSize", "defaultConfig"}},
	{file: "pkg/apis/autoscaling/register.go"},
	{file: "pkg/apis/autoscaling/v1alpha1/metric_types.go", parts: []string{"MetricSpec"}},
	{file: "pkg/apis/autoscaling/v1alpha1/metric_lifecycle.go", parts: []string{"Metric.AggregationAlgorithm"}},
	{file: "pkg/apis/autoscaling/v1alpha1/pa_types.go", parts: []string{"ReachabilityType", "ReachabilityUnreachable", "PodAutoscalerConditionActive"}},
	{file: "pkg/apis/autoscaling/v1alpha1/pa_defaults.go", parts: []string{"defaultMetric"}},
	{file: "pkg/apis/autoscaling/v1alpha1/pa_lifecycle.go", parts: []string{
		"PodAutoscaler.Class", "PodAutoscaler.Metric", "PodAutoscaler.annotationInt32",
		"PodAutoscaler.annotationFloat64", "PodAutoscaler.annotationDuration",
		"PodAutoscaler.ActivationScale", "PodAutoscaler.Target", "PodAutoscaler.TargetUtilization",
		"PodAutoscaler.TargetBC", "PodAutoscaler.Window", "PodAutoscaler.ScaleDownDelay",
		"PodAutoscaler.PanicWindowPercentage", "PodAutoscaler.PanicThresholdPercentage",
		"PodAutoscaler.InitialScale", "PodAutoscaler.ScaleBounds",
		"PodAutoscaler.ScaleToZeroPodRetention", "PodAutoscaler.ProgressDeadline",
		"PodAutoscalerStatus.IsActive", "PodAutoscalerStatus.IsActivating",
		"PodAutoscalerStatus.IsInactive", "PodAutoscalerStatus.IsScaleTargetInitialized",
		"PodAutoscalerStatus.MarkScaleTargetInitialized", "PodAutoscalerStatus.MarkActive",
		"PodAutoscalerStatus.MarkActivating", "PodAutoscalerStatus.MarkInactive",
		"PodAutoscalerStatus.GetCondition", "PodAutoscalerStatus.InactiveFor",
		"PodAutoscalerStatus.ActiveFor", "PodAutoscalerStatus.CanFailActivation",
		"PodAutoscalerStatus.inStatusFor",
	}},
	{file: "pkg/apis/serving/register.go", parts: []string{"GroupName", "ProgressDeadlineAnnotation"}},
	{file: "pkg/resources/endpoints.go", parts: []string{"EndpointsCounter"}},
	{file: "pkg/reconciler/autoscaling/resources/target.go"},
	{file: "pkg/reconciler/autoscaling/resources/metric.go"},
	{file: "pkg/reconciler/autoscaling/kpa/resources/decider.go"},
	{file: "pkg/reconciler/autoscaling/kpa/scaler.go", parts: []string{
		"scaleUnknown", "lastPodRetention", "applyBounds", "durationMax",
		"scaler.handleScaleToZero", "scaler.scale",
	}},
	{file: "pkg/reconciler/autoscaling/kpa/kpa.go", parts: []string{
		"noTrafficReason", "podCounts", "computeActiveCondition", "activeThreshold", "resolveTBC",
	}},
}

// ours are the files of the HPA's _shim that Knative's uses too.
var ours = []string{"oracle.go", "tape_test.go"}

func prepareKnative(out string) error {
	from, err := downloaded("knative", serving)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	for _, t := range taken {
		text, err := os.ReadFile(filepath.Join(from, t.file))
		if err != nil {
			return err
		}
		if len(t.parts) > 0 {
			if text, err = extract(t.file, text, t.parts); err != nil {
				return err
			}
		}
		if err := write(filepath.Join(out, "serving", t.file), text); err != nil {
			return err
		}
	}
	if err := copyTree(filepath.Join("knative", "_standin"), out); err != nil {
		return err
	}
	if err := copyTree(filepath.Join("knative", "_shim"), out); err != nil {
		return err
	}
	for _, name := range ours {
		text, err := os.ReadFile(filepath.Join("_shim", name))
		if err != nil {
			return err
		}
		renamed := strings.Replace(string(text), "package podautoscaler", "package knative", 1)
		if err := write(filepath.Join(out, "shim_"+name), []byte(renamed)); err != nil {
			return err
		}
	}
	return modules(out)
}

// modules makes the scratch folder a module that takes Knative's from beside it.
func modules(out string) error {
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := copyFile(filepath.Join("knative", name), filepath.Join(out, name)); err != nil {
			return err
		}
	}
	edits := []string{"mod", "edit"}
	for name, folder := range map[string]string{serving: "serving", "knative.dev/pkg": "pkg", "knative.dev/networking": "networking"} {
		text := fmt.Sprintf("module %s\n\ngo 1.26.0\n", name)
		if err := write(filepath.Join(out, folder, "go.mod"), []byte(text)); err != nil {
			return err
		}
		edits = append(edits, "-require="+name+"@v0.0.0", "-replace="+name+"=./"+folder)
	}
	command := exec.Command("go", edits...)
	command.Dir = out
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w: %s", strings.Join(edits, " "), err, said)
	}
	return nil
}

// downloaded is the folder in Go's module cache of a module that `folder` requires.
func downloaded(folder, module string) (string, error) {
	command := exec.Command("go", "mod", "download", "-json", module)
	command.Dir = folder
	command.Stderr = os.Stderr
	said, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go mod download %s: %w: %s", module, err, said)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(said, &found); err != nil || found.Dir == "" {
		return "", fmt.Errorf("go mod download %s said %s (%v)", module, said, err)
	}
	return found.Dir, nil
}

func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		inside, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return write(filepath.Join(to, inside), text)
	})
}

// write makes the folder too.
func write(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
