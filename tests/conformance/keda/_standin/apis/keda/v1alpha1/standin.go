// Package v1alpha1 is as much of a ScaledObject as the executor reads.
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// HealthStatusType is named beside the defaults.
type HealthStatusType string

// ScaledObject is one.
type ScaledObject struct {
	metav1.ObjectMeta
	Spec   ScaledObjectSpec
	Status ScaledObjectStatus
}

// ScaledObjectSpec is what is set.
type ScaledObjectSpec struct {
	ScaleTargetRef        *ScaleTarget
	InitialCooldownPeriod *int32
	CooldownPeriod        *int32
	IdleReplicaCount      *int32
	MinReplicaCount       *int32
	Fallback              *Fallback
}

// ScaleTarget is who is scaled.
type ScaleTarget struct{ Name string }

// Fallback is never set here.
type Fallback struct{ Replicas int32 }

// ScaledObjectStatus is what is remembered.
type ScaledObjectStatus struct {
	ScaleTargetKind string
	ScaleTargetGVKR *Resource
	LastActiveTime  *metav1.Time
}

// Resource is what kind the target is.
type Resource struct{}

// GroupResource is the Deployments'.
func (*Resource) GroupResource() schema.GroupResource {
	return schema.GroupResource{Group: "apps", Resource: "deployments"}
}

// TriggerActivityStatus is told, and read by nobody here.
type TriggerActivityStatus struct{}
