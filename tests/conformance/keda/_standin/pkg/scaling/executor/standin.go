// Package executor has what the executor stands on: no client but the one for scales, nobody who
// hears of events, and a clock that a test can stop.
package executor

import (
	"context"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/scale"

	kedav1alpha1 "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
)

// Now is the clock.
var Now = time.Now

type scaleExecutor struct {
	client               any
	scaleClient          scale.ScalesGetter
	logger               logr.Logger
	recorder             nobody
	kubernetesAPITimeout time.Duration
}

type nobody struct{}

func (nobody) Eventf(...any) {}

// New is an executor.
func New(scales scale.ScalesGetter) *scaleExecutor {
	return &scaleExecutor{scaleClient: scales, logger: logr.Discard(), kubernetesAPITimeout: time.Minute}
}

func getPollingInterval(*kedav1alpha1.ScaledObject) (time.Duration, error) { return time.Minute, nil }

func getTriggersActivity(*kedav1alpha1.ScaledObject, ScaleExecutorOptions) map[string]kedav1alpha1.TriggerActivityStatus {
	return nil
}

func (*scaleExecutor) checkHPAHealth(context.Context, logr.Logger, *kedav1alpha1.ScaledObject, *ScaleResult) {
}
