// Package kpa has Knative's reconciler without its API: a count is written to a field.
package kpa

import (
	"context"
	"net/http"
	"time"

	netv1alpha1 "knative.dev/networking/pkg/apis/networking/v1alpha1"
	autoscalingv1alpha1 "knative.dev/serving/pkg/apis/autoscaling/v1alpha1"
	"knative.dev/serving/pkg/reconciler/autoscaling/config"
)

type scaler struct {
	listerFactory  func() *autoscalingv1alpha1.PodScalable
	transport      http.RoundTripper
	activatorProbe func(*autoscalingv1alpha1.PodAutoscaler, http.RoundTripper) (bool, error)
	probeManager   nobody
	enqueueCB      func(any, time.Duration)
	written        *int32
}

type nobody struct{}

func (nobody) Offer(context.Context, string, any, time.Duration, time.Duration, ...any) bool {
	return true
}

var probeOptions []any

func paToProbeTarget(*autoscalingv1alpha1.PodAutoscaler) string { return "" }

func (ks *scaler) applyScale(_ context.Context, _ *autoscalingv1alpha1.PodAutoscaler, scale int32, _ *autoscalingv1alpha1.PodScalable) error {
	ks.written = &scale
	return nil
}

// A Revision is one that is reconciled.
type Revision struct {
	PA       autoscalingv1alpha1.PodAutoscaler
	Replicas int32
	sks      netv1alpha1.ServerlessService
}

// NewRevision is one behind the activator.
func NewRevision(pa *autoscalingv1alpha1.PodAutoscaler) *Revision {
	r := &Revision{PA: *pa}
	r.PA.Status.ServiceName = "service"
	r.proxy(netv1alpha1.SKSOperationModeProxy)
	return r
}

func (r *Revision) proxy(mode string) {
	if r.sks.Spec.Mode == mode {
		return
	}
	r.sks = netv1alpha1.ServerlessService{Spec: netv1alpha1.ServerlessServiceSpec{Mode: mode}}
	if mode == netv1alpha1.SKSOperationModeProxy {
		r.sks.Status.Since = time.Now()
	}
}

// Reconcile does in ReconcileKind's order what it does about counts.
func (r *Revision) Reconcile(settings *config.Config, desired, excess, ready int32) error {
	ctx := config.ToContext(context.Background(), settings)
	ks := &scaler{
		listerFactory: func() *autoscalingv1alpha1.PodScalable {
			return &autoscalingv1alpha1.PodScalable{Spec: autoscalingv1alpha1.PodScalableSpec{Replicas: &r.Replicas}}
		},
		activatorProbe: func(*autoscalingv1alpha1.PodAutoscaler, http.RoundTripper) (bool, error) { return true, nil },
		enqueueCB:      func(any, time.Duration) {},
	}
	want, err := ks.scale(ctx, &r.PA, &r.sks, desired)
	if err != nil {
		return err
	}
	if ks.written != nil {
		r.Replicas = *ks.written
	}
	if want > 0 && excess >= 0 {
		r.proxy(netv1alpha1.SKSOperationModeServe)
	} else {
		r.proxy(netv1alpha1.SKSOperationModeProxy)
	}
	computeActiveCondition(ctx, &r.PA, podCounts{want: int(want), ready: int(ready)})
	return nil
}
