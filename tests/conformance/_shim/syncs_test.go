package podautoscaler

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	autoscalingclient "k8s.io/client-go/kubernetes/typed/autoscaling/v2"
	scaleclient "k8s.io/client-go/scale"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/monitor"
	consistencyutil "k8s.io/kubernetes/pkg/controller/util/consistency"
	"k8s.io/kubernetes/pkg/controller/util/selectors"
)

// A run of whole syncs: the controller's own reconcileAutoscaler against the smallest API that it
// can run on, and hpa-oracle beside it with a memory of its own.

func sorted(set sets.Set[string]) []string { return sets.List(set) }

const syncsInCase = 8

// quiet is a context whose logger says nothing.
var quiet = klog.NewContext(context.Background(), klog.Logger{})

type smallAPI struct {
	scale   *autoscalingv1.Scale
	status  *autoscalingv2.HorizontalPodAutoscalerStatus
	reasons []string
}

type smallScales struct {
	scaleclient.ScaleInterface
	api *smallAPI
}

func (s smallScales) Scales(string) scaleclient.ScaleInterface { return s }
func (s smallScales) Get(context.Context, schema.GroupResource, string, metav1.GetOptions) (*autoscalingv1.Scale, error) {
	return s.api.scale.DeepCopy(), nil
}
func (s smallScales) Update(_ context.Context, _ schema.GroupResource, scale *autoscalingv1.Scale, _ metav1.UpdateOptions) (*autoscalingv1.Scale, error) {
	s.api.scale = scale.DeepCopy()
	return scale, nil
}

type smallHPAs struct {
	autoscalingclient.HorizontalPodAutoscalerInterface
	api *smallAPI
}

func (s smallHPAs) HorizontalPodAutoscalers(string) autoscalingclient.HorizontalPodAutoscalerInterface {
	return s
}
func (s smallHPAs) UpdateStatus(_ context.Context, hpa *autoscalingv2.HorizontalPodAutoscaler, _ metav1.UpdateOptions) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	s.api.status = hpa.Status.DeepCopy()
	return hpa, nil
}

type smallMapper struct{ apimeta.RESTMapper }

func (smallMapper) RESTMappings(schema.GroupKind, ...string) ([]*apimeta.RESTMapping, error) {
	return []*apimeta.RESTMapping{{Resource: schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}}}, nil
}

type smallRecorder struct {
	record.EventRecorder
	api *smallAPI
}

func (r smallRecorder) Event(_ runtime.Object, _, _, _ string) {}
func (r smallRecorder) Eventf(_ runtime.Object, _, reason, _ string, args ...any) {
	if reason == "SuccessfulRescale" {
		r.api.reasons = append(r.api.reasons, args[1].(string))
	}
}

// What one sync comes to. Times are left out: they are the stopped clock's.
type syncResult struct {
	Desired    int32
	Error      string
	Conditions []string
	Rescale    string
	Metrics    []string
	Memory     wireMemory
}

// readings by metric.
type readings []fixed

func (r readings) at(name string) fixed { return r[name[0]-'a'] }

func (r readings) GetResourceMetric(ctx context.Context, name v1.ResourceName, ns string, s labels.Selector, container string) (metricsclient.PodMetricsInfo, time.Time, error) {
	for _, f := range r {
		if f.values != nil && f.object == resourceCode(name, container) {
			return f.GetResourceMetric(ctx, name, ns, s, container)
		}
	}
	return nil, time.Time{}, errors.New("none")
}
func (r readings) GetRawMetric(name, ns string, s, m labels.Selector) (metricsclient.PodMetricsInfo, time.Time, error) {
	return r.at(name).GetRawMetric(name, ns, s, m)
}
func (r readings) GetObjectMetric(name, ns string, ref *autoscalingv2.CrossVersionObjectReference, m labels.Selector) (int64, time.Time, error) {
	return r.at(name).GetObjectMetric(name, ns, ref, m)
}
func (r readings) GetExternalMetric(name, ns string, m labels.Selector) ([]int64, time.Time, error) {
	return r.at(name).GetExternalMetric(name, ns, m)
}

// resourceCode tells the readings of several resource metrics apart.
func resourceCode(name v1.ResourceName, container string) int64 {
	return int64(len(name))<<8 | int64(len(container))
}

func milli(n int64) *resource.Quantity { return resource.NewMilliQuantity(n, resource.DecimalSI) }

// metric is a random metric of the i-th place, with how to read it anew.
func (t *tape) metric(i int) (autoscalingv2.MetricSpec, func(pods []*v1.Pod, status int32) fixed) {
	name := string(rune('a' + i))
	target := pick(t, int64(1000), 500, t.between(1, 5000))
	fails := func(f fixed) fixed {
		if t.oneIn(8) {
			f.err = errors.New("no answer")
		}
		return f
	}
	perPod := func(level int64, code int64) func([]*v1.Pod, int32) fixed {
		return func(pods []*v1.Pod, _ int32) fixed {
			return fails(fixed{values: t.values(pods, t.near(level)), object: code})
		}
	}
	id := autoscalingv2.MetricIdentifier{Name: name}
	switch t.below(6) {
	case 0:
		r := pick(t, v1.ResourceCPU, v1.ResourceMemory)
		percent := pick(t, int32(50), 80, t.number(1, 300))
		source := &autoscalingv2.ResourceMetricSource{Name: r, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent}}
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: source}, perPod(int64(percent)*10, resourceCode(r, ""))
	case 1:
		source := &autoscalingv2.ContainerResourceMetricSource{Name: v1.ResourceCPU, Container: "app", Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: milli(target)}}
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ContainerResourceMetricSourceType, ContainerResource: source}, perPod(target, resourceCode(v1.ResourceCPU, "app"))
	case 2:
		source := &autoscalingv2.PodsMetricSource{Metric: id, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: milli(target)}}
		return autoscalingv2.MetricSpec{Type: autoscalingv2.PodsMetricSourceType, Pods: source}, perPod(target, -1)
	case 3:
		source := &autoscalingv2.ObjectMetricSource{Metric: id, DescribedObject: autoscalingv2.CrossVersionObjectReference{Kind: "Service", Name: "s"}}
		source.Target = autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: milli(target)}
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ObjectMetricSourceType, Object: source}, func([]*v1.Pod, int32) fixed {
			return fails(fixed{object: max(0, t.near(target))})
		}
	default:
		source := &autoscalingv2.ExternalMetricSource{Metric: id, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: milli(target)}}
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: source}, func(_ []*v1.Pod, status int32) fixed {
			return fails(fixed{external: []int64{max(0, t.near(target*max(1, int64(status))))}})
		}
	}
}

// smallController is a controller on the smallest API, with the flags that it has by default.
func smallController(api *smallAPI) *HorizontalController {
	a := &HorizontalController{
		scaleNamespacer: smallScales{api: api}, hpaNamespacer: smallHPAs{api: api}, mapper: smallMapper{}, tolerance: 0.1,
		eventRecorder: smallRecorder{api: api}, downscaleStabilisationWindow: 5 * time.Minute, monitor: monitor.New(),
		recommendations: map[string][]timestampedRecommendation{}, scaleUpEvents: map[string][]timestampedScaleEvent{},
		scaleDownEvents: map[string][]timestampedScaleEvent{}, selectorTracker: newHPASelectorStore(),
		consistencyStore: consistencyutil.NewNoopConsistencyStore(),
	}
	a.selectorTracker.PutIfAbsent("ns", selectors.Key{Name: "hpa", Namespace: "ns"}, labels.Nothing())
	return a
}

func wholeCase(t *tape) (any, any, any) {
	var specs []autoscalingv2.MetricSpec
	var reads []func([]*v1.Pod, int32) fixed
	resources := map[int64]bool{}
	for i := int(t.between(1, 3)); i > 0; i-- {
		spec, read := t.metric(len(specs))
		if spec.Type == autoscalingv2.ResourceMetricSourceType {
			// Two of one name would be one reading.
			code := resourceCode(spec.Resource.Name, "")
			if resources[code] {
				continue
			}
			resources[code] = true
		}
		specs, reads = append(specs, spec), append(reads, read)
	}
	least := t.number(0, 6)
	hpa := &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "hpa", Namespace: "ns"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "d"},
			MinReplicas:    &least,
			MaxReplicas:    t.number(4, 40),
			Metrics:        specs,
		},
	}
	if !t.oneIn(2) {
		hpa.Spec.Behavior = t.behavior()
	}
	current := t.number(0, 12)
	api := &smallAPI{scale: &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: current}, Status: autoscalingv1.ScaleStatus{Replicas: current, Selector: "a=b"}}}
	a := smallController(api)
	before := theNow
	defer func() { theNow = before }()
	memory := wireMemory{[]wireRecommendation{}, []wireEvent{}, []wireEvent{}}
	var upstream, ours []syncResult
	for i := 0; i < syncsInCase; i++ {
		theNow = theNow.Add(time.Duration(pick(t, int64(15), 15, 15, 16, t.between(1, 400))) * time.Second)
		pods := t.pods(min(14, int64(api.scale.Spec.Replicas)))
		var all readings
		for _, read := range reads {
			all = append(all, read(pods, api.scale.Status.Replicas))
		}
		f := fixed{pods: pods}
		a.podLister = f
		a.replicaCalc = NewReplicaCalculator(all, f, 5*time.Minute, 30*time.Second)

		scale := api.scale.DeepCopy()
		o := askSync(a, hpa, scale, unread(specs), nil, memory)
		if o.looked() {
			var metrics []object
			for _, spec := range specs {
				metrics = append(metrics, wireMetric(spec, wireReading(context.Background(), a.replicaCalc, spec, "ns", labels.Everything())))
			}
			o = askSync(a, hpa, scale, metrics, pods, memory)
		}
		memory = o.Memory
		ours = append(ours, oursOf(hpa, specs, scale, &o, &memory))

		api.reasons = nil
		err := a.upstreamReconcileAutoscaler(quiet, hpa, "ns/hpa")
		if api.status != nil {
			hpa.Status = *api.status
		}
		upstream = append(upstream, upstreamOf(hpa, api, scale.Status.Replicas, wireMemoryOf(a, "ns/hpa"), err))
		// Now and then somebody else sets the count, or pods are late.
		if t.oneIn(12) {
			api.scale.Spec.Replicas = t.number(0, 14)
		}
		api.scale.Status.Replicas = api.scale.Spec.Replicas
		if t.oneIn(4) {
			api.scale.Status.Replicas = t.number(0, 14)
		}
	}
	return hpa.Spec, upstream, ours
}

func conditionsOf(list []autoscalingv2.HorizontalPodAutoscalerCondition) []string {
	var said []string
	for _, c := range list {
		said = append(said, string(c.Type)+" "+string(c.Status)+" "+c.Reason)
	}
	slices.Sort(said)
	return said
}

// metricsOf leaves out an average over no pods: upstream casts a float that is no number.
func metricsOf(list []autoscalingv2.MetricStatus, status int32) []string {
	var said []string
	for _, m := range list {
		if m.External != nil && status == 0 {
			m = autoscalingv2.MetricStatus{Type: m.Type}
		}
		said = append(said, m.String())
	}
	return said
}

func upstreamOf(hpa *autoscalingv2.HorizontalPodAutoscaler, api *smallAPI, status int32, memory wireMemory, err error) syncResult {
	r := syncResult{Desired: api.scale.Spec.Replicas, Conditions: conditionsOf(hpa.Status.Conditions), Metrics: metricsOf(hpa.Status.CurrentMetrics, status), Memory: memory}
	if err != nil {
		r.Error = "some"
	}
	if len(api.reasons) > 0 {
		// Ours does not name the selector, and there is none here.
		r.Rescale = strings.ReplaceAll(api.reasons[0], "(nil)", "")
	}
	return r
}

// oursOf also tells the oracle's memory of the change, as the write has succeeded.
func oursOf(shared *autoscalingv2.HorizontalPodAutoscaler, specs []autoscalingv2.MetricSpec, scale *autoscalingv1.Scale, o *wireOutcome, memory *wireMemory) syncResult {
	current := scale.Spec.Replicas
	hpa := shared.DeepCopy()
	o.say(hpa, func(autoscalingv2.HorizontalPodAutoscalerConditionType) bool { return true })
	r := syncResult{Desired: current, Conditions: conditionsOf(hpa.Status.Conditions)}
	if len(o.Faults) > 0 {
		r.Error = "some"
	}
	if o.decided() {
		if desired := *o.Outcome.Desired; desired != current {
			r.Desired = desired
			*memory = askRescaled(*memory, hpa.Spec.Behavior, current, desired)
			if o.Rescale != nil {
				r.Rescale = *o.Rescale
			}
		}
	}
	if o.looked() {
		var statuses []autoscalingv2.MetricStatus
		for i, spec := range specs {
			statuses = append(statuses, statusOf(spec, o.Outcome.Currents[i]))
		}
		r.Metrics = metricsOf(statuses, scale.Status.Replicas)
	}
	r.Memory = *memory
	return r
}
