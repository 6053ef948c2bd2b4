// Package logkey stands in for knative.dev/pkg/logging/logkey: names in logs.
package logkey

// Key is whatever is worked at.
const Key = "key"
