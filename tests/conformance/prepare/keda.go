package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const keda = "github.com/kedacore/keda/v2"

// activation are the files of KEDA's that decide between no replica and the first, and what a query's
// answer is to an HPA: as taken in knative.go.
var activation = []struct {
	file  string
	parts []string
}{
	{file: "pkg/scaling/executor/scale_executor.go", parts: []string{"defaultCooldownPeriod", "ScaleResult", "ScaleExecutorOptions"}},
	{file: "pkg/scaling/executor/scale_scaledobjects.go", parts: []string{
		"scaleExecutor.RequestScale", "scaleExecutor.scaleToZeroOrIdle", "scaleExecutor.scaleFromZeroOrIdle",
		"scaleExecutor.getScaleTargetScale", "scaleExecutor.updateScaleOnScaleTarget",
		"scaleExecutor.handlePaused", "getIdleOrMinimumReplicaCount",
	}},
	{file: "pkg/eventreason/eventreason.go"},
	{file: "pkg/scalers/scaler.go", parts: []string{"GenerateMetricInMili", "quantityFromFloat64"}},
	{file: "apis/keda/v1alpha1/condition_types.go"},
	{file: "apis/keda/v1alpha1/scaledobject_types.go", parts: []string{
		"defaultHPAMinReplicas", "PausedReplicasAnnotation", "PausedAnnotation",
		"PausedScaleInAnnotation", "PausedScaleOutAnnotation", "ForceActivationAnnotation",
		"ScaledObject.GetHPAMinReplicas",
		"ScaledObject.NeedToBePausedByAnnotation", "ScaledObject.NeedToPauseScaleIn",
		"ScaledObject.NeedToPauseScaleOut", "ScaledObject.NeedToForceActivation", "getBoolAnnotation",
	}},
}

// prepareActivation puts KEDA's files into a module of their own, which the one in out takes.
func prepareActivation(out string) error {
	from, err := downloaded("keda", keda)
	if err != nil {
		return err
	}
	to := filepath.Join(out, "keda")
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	for _, a := range activation {
		text, err := os.ReadFile(filepath.Join(from, a.file))
		if err != nil {
			return err
		}
		if len(a.parts) > 0 {
			if text, err = extract(a.file, text, a.parts); err != nil {
				return err
			}
		}
		// A clock that a test can stop.
		text = []byte(strings.ReplaceAll(string(text), "time.Now()", "Now()"))
		if err := write(filepath.Join(to, a.file), text); err != nil {
			return err
		}
	}
	if err := copyTree(filepath.Join("keda", "_standin"), to); err != nil {
		return err
	}
	if err := write(filepath.Join(to, "go.mod"), fmt.Appendf(nil, "module %s\n\ngo 1.26.0\n", keda)); err != nil {
		return err
	}
	command := exec.Command("go", "mod", "edit", "-require="+keda+"@v2.0.0", "-replace="+keda+"=./keda")
	command.Dir = out
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("go mod edit: %w: %s", err, said)
	}
	return nil
}
