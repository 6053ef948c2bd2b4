// Package config has Knative's configuration without the way that it comes.
package config

import (
	"context"
	"time"

	"knative.dev/serving/pkg/autoscaler/config/autoscalerconfig"
)

type key struct{}

// A Deployment is what of its configuration decides.
type Deployment struct{ ProgressDeadline time.Duration }

// A Config is all of it.
type Config struct {
	Autoscaler *autoscalerconfig.Config
	Deployment *Deployment
}

// FromContext finds it.
func FromContext(ctx context.Context) *Config { return ctx.Value(key{}).(*Config) }

// ToContext leaves it.
func ToContext(ctx context.Context, c *Config) context.Context {
	return context.WithValue(ctx, key{}, c)
}
