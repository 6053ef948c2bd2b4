// Package v1alpha1 stands in for knative.dev/networking's: whether the activator is on the way.
package v1alpha1

import "time"

// A ServerlessService sends requests to pods or to the activator.
type ServerlessService struct {
	Spec   ServerlessServiceSpec
	Status ServerlessServiceStatus
}

// A ServerlessServiceSpec says to which.
type ServerlessServiceSpec struct{ Mode string }

// A ServerlessServiceStatus says since when.
type ServerlessServiceStatus struct{ Since time.Time }

// The two ways.
const (
	SKSOperationModeServe = "Serve"
	SKSOperationModeProxy = "Proxy"
)

// ProxyFor is how long the activator has been on the way.
func (s ServerlessServiceStatus) ProxyFor() time.Duration {
	if s.Since.IsZero() {
		return 0
	}
	return time.Since(s.Since)
}
