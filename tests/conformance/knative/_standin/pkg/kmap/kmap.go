// Package kmap stands in for knative.dev/pkg/kmap: labels that have several names.
package kmap

import "maps"

// KeyPriority are the names of one label, the best first.
type KeyPriority []string

// Get finds the first that is there.
func (names KeyPriority) Get(labels map[string]string) (name, value string, found bool) {
	for _, name := range names {
		if value, found := labels[name]; found {
			return name, value, true
		}
	}
	return names[0], "", false
}

// Copy copies.
func Copy(labels map[string]string) map[string]string { return maps.Clone(labels) }
