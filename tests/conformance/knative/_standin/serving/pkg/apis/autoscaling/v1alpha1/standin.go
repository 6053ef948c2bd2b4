// Package v1alpha1 has Knative's objects without the conditions and interfaces that decide nothing.
// Their methods, beside this file, are upstream's.
package v1alpha1

import (
	"knative.dev/pkg/apis"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A Metric says what is collected.
type Metric struct {
	metav1.ObjectMeta
	Spec MetricSpec
}

// A PodAutoscaler says how a revision is scaled.
type PodAutoscaler struct {
	metav1.ObjectMeta
	Spec   PodAutoscalerSpec
	Status PodAutoscalerStatus
}

// A PodAutoscalerSpec is what of it decides.
type PodAutoscalerSpec struct {
	ContainerConcurrency int64
	Reachability         ReachabilityType
	ScaleTargetRef       string
}

// A PodAutoscalerStatus is what of it decides.
type PodAutoscalerStatus struct {
	ServiceName string
	conditions  apis.Conditions
}

type conditionSet struct{}

var podCondSet conditionSet

func (conditionSet) Manage(of *PodAutoscalerStatus) apis.Conditions {
	if of.conditions == nil {
		of.conditions = apis.Conditions{}
	}
	return of.conditions
}

// A PodScalable is what is scaled.
type PodScalable struct{ Spec PodScalableSpec }

// A PodScalableSpec says how many there are.
type PodScalableSpec struct{ Replicas *int32 }

// Resource is for errors only.
func Resource(name string) schema.GroupResource { return schema.GroupResource{Resource: name} }
