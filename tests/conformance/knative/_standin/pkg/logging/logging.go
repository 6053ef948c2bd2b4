// Package logging stands in for knative.dev/pkg/logging; nothing is said.
package logging

import (
	"context"

	"go.uber.org/zap"
)

// FromContext is silent.
func FromContext(context.Context) *zap.SugaredLogger { return zap.NewNop().Sugar() }
