// Package v1alpha1 has Knative's objects without the conditions and interfaces that decide nothing.
// Their methods, beside this file, are upstream's.
package v1alpha1

import (
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
	Spec PodAutoscalerSpec
}

// A PodAutoscalerSpec is what of it decides.
type PodAutoscalerSpec struct {
	ContainerConcurrency int64
	Reachability         ReachabilityType
}

// Resource is for errors only.
func Resource(name string) schema.GroupResource { return schema.GroupResource{Resource: name} }
