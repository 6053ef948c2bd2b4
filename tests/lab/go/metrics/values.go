package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"sort"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
)

// What the adapter serves is set over HTTP on loopback: PUT /series, /fault and
// /source, each JSON. Nothing here knows of Kubernetes' API servers.

const (
	apiCustom   = "custom"
	apiExternal = "external"
	// anyObject is the object of a series that holds for each that is asked for.
	anyObject = "*"
	// offered is the metric under which a followed exporter's load is served.
	offered       = "pinisi_demo_offered_rps"
	sourceTimeout = 2 * time.Second
	mostBytes     = 16 << 20
)

type series struct {
	API           string            `json:"api"`
	Namespace     string            `json:"namespace"`
	Metric        string            `json:"metric"`
	Group         string            `json:"group"`
	Resource      string            `json:"resource"`
	Object        string            `json:"object"`
	Labels        map[string]string `json:"labels"`
	Value         *string           `json:"value"`
	Spread        bool              `json:"spread"`
	AgeSeconds    float64           `json:"age_seconds"`
	AtUnixMs      *int64            `json:"at_unix_ms"`
	WindowSeconds *int64            `json:"window_seconds"`

	quantity resource.Quantity
}

// identity is what tells series apart; its values and times do not.
func (s series) identity() string {
	names := make([]string, 0, len(s.Labels))
	for name, value := range s.Labels {
		names = append(names, name+"="+value)
	}
	sort.Strings(names)
	return strings.Join(append([]string{s.API, s.Namespace, s.Metric, s.Group, s.Resource, s.Object}, names...), "\x00")
}

func (s series) time(now time.Time) time.Time {
	if s.AtUnixMs != nil {
		return time.UnixMilli(*s.AtUnixMs)
	}
	return now.Add(-time.Duration(s.AgeSeconds * float64(time.Second)))
}

func (s series) is(api, namespace, metric string, selector labels.Selector) bool {
	return s.API == api && s.Namespace == namespace && s.Metric == metric && selector.Matches(labels.Set(s.Labels))
}

type fault struct {
	API     string  `json:"api"`
	Metric  string  `json:"metric"`
	Kind    string  `json:"kind"`
	Seconds float64 `json:"seconds"`
}

type values struct {
	mu     sync.Mutex
	series map[string]series
	faults map[string]fault
	source string
	client *http.Client
}

func newValues() *values {
	return &values{
		series: map[string]series{},
		faults: map[string]fault{},
		client: &http.Client{Timeout: sourceTimeout, Transport: &http.Transport{Proxy: nil}},
	}
}

// all is what is set, and what the followed exporter offers now.
func (v *values) all(ctx context.Context) ([]series, error) {
	return v.only(ctx, func(*series) bool { return true })
}

// of is the part of it that a question is about. The rest is neither copied nor
// sorted: an HPA controller made fast asks a thousand times a second.
func (v *values) of(ctx context.Context, api, namespace, metric string, selector labels.Selector) ([]series, error) {
	return v.only(ctx, func(one *series) bool { return one.is(api, namespace, metric, selector) })
}

func (v *values) only(ctx context.Context, wanted func(*series) bool) ([]series, error) {
	v.mu.Lock()
	var some []series
	for _, one := range v.series {
		if wanted(&one) {
			some = append(some, one)
		}
	}
	source := v.source
	v.mu.Unlock()
	if source != "" {
		more, err := v.follow(ctx, source)
		if err != nil {
			return nil, fmt.Errorf("the exporter that is followed does not answer: %w", err)
		}
		for index := range more {
			if wanted(&more[index]) {
				some = append(some, more[index])
			}
		}
	}
	sort.Slice(some, func(a, b int) bool { return some[a].identity() < some[b].identity() })
	return some, nil
}

func (v *values) follow(ctx context.Context, source string) ([]series, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return nil, err
	}
	answer, err := v.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %s", answer.Status)
	}
	var rates []struct {
		Namespace string  `json:"namespace"`
		Workload  string  `json:"workload"`
		Rps       float64 `json:"rps"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, mostBytes)).Decode(&rates); err != nil {
		return nil, err
	}
	var all []series
	for _, rate := range rates {
		quantity := *resource.NewMilliQuantity(int64(math.Round(rate.Rps*1000)), resource.DecimalSI)
		one := series{Namespace: rate.Namespace, Metric: offered, quantity: quantity}
		external := one
		external.API = apiExternal
		external.Labels = map[string]string{"namespace": rate.Namespace, "workload": rate.Workload}
		custom := one
		custom.API, custom.Object = apiCustom, rate.Workload
		all = append(all, external, custom)
	}
	return all, nil
}

// fault is what is wrong with this metric: its own fault, else its API's.
func (v *values) fault(api, metric string) fault {
	v.mu.Lock()
	defer v.mu.Unlock()
	if own, ok := v.faults[api+"\x00"+metric]; ok {
		return own
	}
	return v.faults[api+"\x00"]
}

func (v *values) setSeries(all []series) error {
	for index := range all {
		one := &all[index]
		if one.API != apiCustom && one.API != apiExternal {
			return fmt.Errorf("%q is neither custom nor external", one.API)
		}
		if one.Metric == "" {
			return fmt.Errorf("a series has no metric")
		}
		if one.Value != nil {
			quantity, err := resource.ParseQuantity(*one.Value)
			if err != nil {
				return fmt.Errorf("%q is not a quantity: %w", *one.Value, err)
			}
			one.quantity = quantity
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, one := range all {
		if one.Value == nil {
			delete(v.series, one.identity())
		} else {
			v.series[one.identity()] = one
		}
	}
	return nil
}

func (v *values) setFault(one fault) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := one.API + "\x00" + one.Metric
	switch one.Kind {
	case "none":
		delete(v.faults, key)
	case "unavailable", "empty", "older", "slow":
		v.faults[key] = one
	default:
		return fmt.Errorf("no fault is called %q", one.Kind)
	}
	return nil
}

func (v *values) setSource(url string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.source = url
	return nil
}

func (v *values) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("PUT /series", put(v.setSeries))
	mux.HandleFunc("PUT /fault", put(v.setFault))
	mux.HandleFunc("PUT /source", put(v.setSource))
	return mux
}

func put[T any](set func(T) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body T
		err := json.NewDecoder(io.LimitReader(r.Body, mostBytes)).Decode(&body)
		if err == nil {
			err = set(body)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}
}
