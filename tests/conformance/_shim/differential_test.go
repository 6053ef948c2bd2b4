package podautoscaler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	corelisters "k8s.io/client-go/listers/core/v1"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	"k8s.io/kubernetes/pkg/features"
)

// TestDifferential puts random cases to upstream's functions and to hpa-oracle, and compares.
func TestDifferential(t *testing.T) {
	if os.Getenv("PINISI_CONFORMANCE_CASES") == "" {
		t.Skip("not asked for: PINISI_CONFORMANCE_CASES")
	}
	cases, seed := setting(t, "PINISI_CONFORMANCE_CASES"), setting(t, "PINISI_CONFORMANCE_SEED")
	shimMode = modeUpstream
	// Upstream's tests set it to 8, so as not to run into it.
	scaleUpLimitFactor = 2
	shimNow = func() time.Time { return theNow }
	defer func() { shimNow = time.Now }()
	featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, features.PodLevelResources, true)

	kinds := []struct {
		name   string
		weight uint64
		run    func(*tape) (question any, upstream, ours any)
	}{
		{"replicas for one metric", 50, replicasCase},
		{"groups of pods", 5, groupsCase},
		{"requests", 5, requestsCase},
		{"bounds without behavior", 5, boundsCase},
		{"stabilisation without behavior", 5, highestCase},
		{"stabilisation with behavior", 10, withinCase},
		{"rates", 10, ratesCase},
		{"scale events", 5, eventsCase},
		{"whole syncs", 5, wholeCase},
	}
	total := uint64(0)
	for _, k := range kinds {
		total += k.weight
	}
	counts, decided := map[string]int{}, map[string]int{}
	start := time.Now()
	for number := uint64(0); number < cases; number++ {
		kind, at := kinds[0], number%total
		for _, k := range kinds {
			if kind = k; at < k.weight {
				break
			}
			at -= k.weight
		}
		tape := recordTape(seed, number)
		_, upstream, ours := kind.run(tape)
		counts[kind.name]++
		if r, ok := upstream.(replicasResult); ok && r.Error == "" {
			decided[kind.name]++
		}
		if reflect.DeepEqual(upstream, ours) {
			continue
		}
		cells := shrink(tape.cells, func(cells []uint64) bool {
			_, u, o := kind.run(play(cells))
			return !reflect.DeepEqual(u, o)
		})
		question, u, o := kind.run(play(cells))
		u, o = firstDifference(u, o)
		text, _ := json.Marshal(question)
		t.Fatalf("%s, case %d of seed %d\nasked    %s\nupstream %+v\nours     %+v", kind.name, number, seed, text, show(u), show(o))
	}
	report := map[string]any{"seed": seed, "cases": cases, "kinds": counts, "without_error": decided, "seconds": time.Since(start).Seconds(), "asked": theOracle().asked}
	text, _ := json.Marshal(report)
	fmt.Printf("differential %s\n", text)
	if n := decided["replicas for one metric"]; cases > 1000 && n < counts["replicas for one metric"]/2 {
		t.Errorf("only %d of the replica cases came to a count: the cases are not worth much", n)
	}
}

// firstDifference is, of two runs of syncs, the first sync in which they differ.
func firstDifference(upstream, ours any) (any, any) {
	u, isRun := upstream.([]syncResult)
	o, isRunToo := ours.([]syncResult)
	if isRun && isRunToo {
		for i := range min(len(u), len(o)) {
			if !reflect.DeepEqual(u[i], o[i]) {
				return u[i], o[i]
			}
		}
	}
	return upstream, ours
}

func show(x any) string {
	text, err := json.MarshalIndent(x, "", " ")
	if err != nil {
		return fmt.Sprintf("%+v", x)
	}
	return string(text)
}

func setting(t *testing.T, name string) uint64 {
	n, err := strconv.ParseUint(os.Getenv(name), 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// What the functions under test read: fixed answers.
type fixed struct {
	pods     []*v1.Pod
	values   metricsclient.PodMetricsInfo
	object   int64
	external []int64
	err      error
}

func (f fixed) GetResourceMetric(context.Context, v1.ResourceName, string, labels.Selector, string) (metricsclient.PodMetricsInfo, time.Time, error) {
	return copied(f.values), theNow, f.err
}
func (f fixed) GetRawMetric(string, string, labels.Selector, labels.Selector) (metricsclient.PodMetricsInfo, time.Time, error) {
	return copied(f.values), theNow, f.err
}
func (f fixed) GetObjectMetric(string, string, *autoscalingv2.CrossVersionObjectReference, labels.Selector) (int64, time.Time, error) {
	return f.object, theNow, f.err
}
func (f fixed) GetExternalMetric(string, string, labels.Selector) ([]int64, time.Time, error) {
	return f.external, theNow, f.err
}
func (f fixed) List(labels.Selector) ([]*v1.Pod, error) { return f.pods, nil }
func (f fixed) Get(string) (*v1.Pod, error)             { return nil, errors.New("not asked") }
func (f fixed) Pods(string) corelisters.PodNamespaceLister {
	return f
}

// Upstream changes the map that it is given.
func copied(values metricsclient.PodMetricsInfo) metricsclient.PodMetricsInfo {
	c := metricsclient.PodMetricsInfo{}
	for name, value := range values {
		c[name] = value
	}
	return c
}

func (f fixed) calculator() *ReplicaCalculator {
	return NewReplicaCalculator(f, f, 5*time.Minute, 30*time.Second)
}

type replicasResult struct {
	Replicas    int32
	Utilization int32
	Usage       int64
	Error       string
}

func resultOf(replicas, utilization int32, usage int64, err error) replicasResult {
	if err != nil {
		// Upstream says where it looked; ours says only what it found.
		return replicasResult{Error: strings.TrimPrefix(err.Error(), "unable to calculate ready pods: ")}
	}
	return replicasResult{replicas, utilization, usage, ""}
}

func replicasCase(t *tape) (any, any, any) {
	ctx := context.Background()
	pods := t.pods(t.between(0, 12))
	current, status := t.number(0, 14), t.number(0, 14)
	tolerances := t.tolerances()
	namespace, everything := "ns", labels.Everything()
	f := fixed{pods: pods}
	question := func(metric object) (any, replicasResult) {
		q := scopeOf(f.calculator(), metric, current, status, tolerances, pods)
		var p wireProposal
		err := ask(q, &p)
		r := replicasResult{Replicas: p.Replicas}
		if p.Value.Utilization != nil {
			r.Utilization = *p.Value.Utilization
		}
		for _, usage := range []*int64{p.Value.Average, p.Value.Value} {
			if usage != nil {
				r.Usage = *usage
			}
		}
		if err != nil {
			r = replicasResult{Error: err.Error()}
		}
		return q, r
	}
	target := pick(t, int64(1000), 500, t.between(1, 5000))
	ref := &autoscalingv2.CrossVersionObjectReference{Kind: "Service", Name: "s"}
	switch t.below(9) {
	case 0, 1, 2, 3: // Resource and ContainerResource
		container := pick(t, "", "", "app", "proxy", "side")
		name := pick(t, v1.ResourceCPU, v1.ResourceCPU, v1.ResourceMemory)
		if !t.oneIn(3) {
			percent := pick(t, int32(50), 80, t.number(1, 300))
			f.values = t.values(pods, t.near(int64(percent)*10))
			replicas, utilization, usage, _, err := f.calculator().upstreamGetResourceReplicas(ctx, current, percent, name, tolerances, namespace, everything, container)
			q, ours := question(resourceMetric(name, container, object{"Utilization": percent}, read(wireValues(f.values))))
			return q, resultOf(replicas, utilization, usage, err), ours
		}
		f.values = t.values(pods, t.near(target))
		replicas, usage, _, err := f.calculator().upstreamGetRawResourceReplicas(ctx, current, target, name, tolerances, namespace, everything, container)
		q, ours := question(resourceMetric(name, container, object{"AverageValue": target}, read(wireValues(f.values))))
		return q, resultOf(replicas, 0, usage, err), ours
	case 4: // Pods
		f.values = t.values(pods, t.near(target))
		replicas, usage, _, err := f.calculator().upstreamGetMetricReplicas(current, target, "m", tolerances, namespace, everything, everything)
		q, ours := question(object{"Pods": object{"name": "m", "average": target, "reading": read(wireValues(f.values))}})
		return q, resultOf(replicas, 0, usage, err), ours
	case 5: // Object, value
		f.object = t.near(target)
		if t.oneIn(20) && current != 0 {
			f.object = pick(t, t.below(1<<62), 1<<62)
		}
		replicas, usage, _, err := f.calculator().upstreamGetObjectMetricReplicas(current, target, "m", tolerances, namespace, ref, everything, everything)
		q, ours := question(objectMetric("m", "Service", object{"Value": target}, read(f.object)))
		return q, resultOf(replicas, 0, usage, err), ours
	case 6: // Object, average
		f.object = t.near(target * max(1, int64(status)))
		replicas, usage, _, err := f.calculator().upstreamGetObjectPerPodMetricReplicas(status, target, "m", tolerances, namespace, ref, everything)
		q, ours := question(objectMetric("m", "Service", object{"AverageValue": target}, read(f.object)))
		return q, withoutPods(status, resultOf(replicas, 0, usage, err)), withoutPods(status, ours)
	case 7: // External, value
		f.external = t.series(t.near(target), current != 0)
		replicas, usage, _, err := f.calculator().upstreamGetExternalMetricReplicas(current, target, "m", tolerances, namespace, &metav1.LabelSelector{}, everything)
		q, ours := question(externalMetric("m", object{"Value": target}, read(f.external)))
		return q, resultOf(replicas, 0, usage, err), ours
	default: // External, average
		f.external = t.series(t.near(target*max(1, int64(status))), true)
		replicas, usage, _, err := f.calculator().upstreamGetExternalPerPodMetricReplicas(status, target, "m", tolerances, namespace, &metav1.LabelSelector{})
		q, ours := question(externalMetric("m", object{"AverageValue": target}, read(f.external)))
		return q, withoutPods(status, resultOf(replicas, 0, usage, err)), withoutPods(status, ours)
	}
}

// withoutPods leaves out an average over no pods: upstream casts an infinite float.
func withoutPods(status int32, r replicasResult) replicasResult {
	if status == 0 {
		r.Usage = 0
	}
	return r
}

type groups struct {
	Ready                     int
	Unready, Missing, Ignored []string
}

func groupsCase(t *tape) (any, any, any) {
	pods := t.pods(t.between(0, 12))
	values := t.values(pods, 1000)
	name := pick(t, v1.ResourceCPU, v1.ResourceCPU, v1.ResourceMemory, "")
	initialization, delay := pick(t, 5*time.Minute, 2*time.Minute, 0), pick(t, 30*time.Second, 10*time.Second, 0)
	ready, unready, missing, ignored := upstreamGroupPods(pods, values, name, initialization, delay)
	upstream := groups{ready, sorted(unready), sorted(missing), sorted(ignored)}
	ready, unready, missing, ignored = askGroups(pods, values, name, initialization, delay)
	ours := groups{ready, sorted(unready), sorted(missing), sorted(ignored)}
	return object{"pods": wirePods(pods), "values": wireValues(values)}, upstream, ours
}

type requestsResult struct {
	Requests map[string]int64
	Error    string
}

func requestsCase(t *tape) (any, any, any) {
	pods := t.pods(t.between(0, 12))
	container := pick(t, "", "", "app", "proxy", "side", "init")
	name := pick(t, v1.ResourceCPU, v1.ResourceMemory)
	result := func(requests map[string]int64, err error) requestsResult {
		if err != nil {
			return requestsResult{nil, err.Error()}
		}
		return requestsResult{requests, ""}
	}
	upstream := result(upstreamCalculateRequests(pods, container, name))
	ours := result(askRequests(pods, container, name))
	return object{"pods": wirePods(pods), "container": container}, upstream, ours
}

func boundsCase(t *tape) (any, any, any) {
	current, desired := t.number(0, 200), t.number(0, 500)
	min, max := t.number(0, 20), t.number(1, 400)
	replicas, limit, message := upstreamConvertDesiredReplicasWithRules(current, desired, min, max)
	return []int32{current, desired, min, max}, wireLimited{replicas, limit, message}, askByBounds(current, desired, min, max)
}

type stabilized struct {
	Replicas int32
	Memory   []wireRecommendation
}

func controllerOf(list []timestampedRecommendation, ups, downs []timestampedScaleEvent) *HorizontalController {
	return &HorizontalController{
		recommendations: map[string][]timestampedRecommendation{"k": list},
		scaleUpEvents:   map[string][]timestampedScaleEvent{"k": ups},
		scaleDownEvents: map[string][]timestampedScaleEvent{"k": downs},
	}
}

func highestCase(t *tape) (any, any, any) {
	a := controllerOf(t.recommendations(), nil, nil)
	a.downscaleStabilisationWindow = time.Duration(pick(t, int64(300), 300, 0, 15, 3600)) * time.Second
	desired := t.number(0, 60)
	before := wireMemoryOf(a, "k")
	replicas := a.upstreamStabilizeRecommendation("k", desired)
	ours := askHighest(before, desired, a.downscaleStabilisationWindow)
	return before, stabilized{replicas, wireMemoryOf(a, "k").Recommendations}, stabilized{ours.Replicas, ours.Memory.Recommendations}
}

func (t *tape) normalization() NormalizationArg {
	b := t.behavior()
	if b.ScaleDown.StabilizationWindowSeconds == nil {
		b.ScaleDown.StabilizationWindowSeconds = new(int32(300))
	}
	return NormalizationArg{
		Key: "k", ScaleUpBehavior: b.ScaleUp, ScaleDownBehavior: b.ScaleDown,
		MinReplicas: t.number(0, 10), MaxReplicas: t.number(1, 80),
		CurrentReplicas: t.number(0, 60), DesiredReplicas: t.number(0, 100),
	}
}

func withinCase(t *tape) (any, any, any) {
	a := controllerOf(t.recommendations(), nil, nil)
	args := t.normalization()
	before := wireMemoryOf(a, "k")
	replicas, _, _ := a.upstreamStabilizeRecommendationWithBehaviors(args)
	ours := askWithin(before, args)
	return object{"memory": before, "args": args}, stabilized{replicas, wireMemoryOf(a, "k").Recommendations}, stabilized{ours.Replicas, ours.Memory.Recommendations}
}

func ratesCase(t *tape) (any, any, any) {
	a := controllerOf(nil, t.events(), t.events())
	args := t.normalization()
	replicas, limit, message := a.upstreamConvertDesiredReplicasWithBehaviorRate(args)
	memory := wireMemoryOf(a, "k")
	return object{"memory": memory, "args": args}, wireLimited{replicas, limit, message}, askByRates(memory, args)
}

func eventsCase(t *tape) (any, any, any) {
	a := controllerOf(nil, t.events(), t.events())
	behavior := t.behavior()
	if t.oneIn(10) {
		behavior = nil
	}
	from, to := t.number(0, 60), t.number(0, 60)
	before := wireMemoryOf(a, "k")
	a.upstreamStoreScaleEvent(behavior, "k", from, to)
	ours := askRescaled(before, behavior, from, to)
	return object{"memory": before, "from": from, "to": to}, wireMemoryOf(a, "k"), ours
}
