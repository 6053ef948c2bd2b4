// Package apis stands in for knative.dev/pkg/apis: conditions, which change their time with anything
// else that is said in them.
package apis

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A ConditionType is a condition's name.
type ConditionType string

// ConditionReady sums the others up.
const ConditionReady ConditionType = "Ready"

// VolatileTime is a time that two conditions may differ in.
type VolatileTime struct{ Inner metav1.Time }

// A Condition is one of an object's.
type Condition struct {
	Status             corev1.ConditionStatus
	Reason, Message    string
	LastTransitionTime VolatileTime
}

// Conditions are all of an object's.
type Conditions map[ConditionType]*Condition

// IsTrue is so where it says so.
func (c *Condition) IsTrue() bool { return c != nil && c.Status == corev1.ConditionTrue }

// IsFalse likewise.
func (c *Condition) IsFalse() bool { return c != nil && c.Status == corev1.ConditionFalse }

// IsUnknown is so too where it was never said.
func (c *Condition) IsUnknown() bool { return c == nil || c.Status == corev1.ConditionUnknown }

// GetCondition is one of them.
func (all Conditions) GetCondition(t ConditionType) *Condition { return all[t] }

// MarkTrue says it.
func (all Conditions) MarkTrue(t ConditionType) { all.mark(t, corev1.ConditionTrue, "", "") }

// MarkFalse says it.
func (all Conditions) MarkFalse(t ConditionType, reason, format string, args ...any) {
	all.mark(t, corev1.ConditionFalse, reason, fmt.Sprintf(format, args...))
}

// MarkUnknown says it.
func (all Conditions) MarkUnknown(t ConditionType, reason, format string, args ...any) {
	all.mark(t, corev1.ConditionUnknown, reason, fmt.Sprintf(format, args...))
}

func (all Conditions) mark(t ConditionType, status corev1.ConditionStatus, reason, message string) {
	if c := all[t]; c != nil && c.Status == status && c.Reason == reason && c.Message == message {
		return
	}
	all[t] = &Condition{status, reason, message, VolatileTime{metav1.Time{Time: time.Now()}}}
}
