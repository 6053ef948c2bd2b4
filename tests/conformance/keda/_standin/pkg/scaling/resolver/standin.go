// Package resolver reads counts by the scale alone.
package resolver

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/scale"

	kedav1alpha1 "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
)

// GetCurrentReplicas is the count in the target's spec.
func GetCurrentReplicas(ctx context.Context, _ any, scales scale.ScalesGetter, so *kedav1alpha1.ScaledObject) (int32, error) {
	found, err := scales.Scales(so.Namespace).Get(ctx, so.Status.ScaleTargetGVKR.GroupResource(), so.Spec.ScaleTargetRef.Name, metav1.GetOptions{})
	if err != nil {
		return 0, err
	}
	return found.Spec.Replicas, nil
}
