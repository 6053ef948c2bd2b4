package podautoscaler

import (
	"strconv"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/util/feature"
	resourcehelpers "k8s.io/component-helpers/resource"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	"k8s.io/kubernetes/pkg/features"
)

// The format of hpa-oracle; see README.md.

type object = map[string]any

const wireSite = "home"

type wireKey struct {
	Site string `json:"site"`
	Name string `json:"name"`
}

func key(name string) wireKey { return wireKey{wireSite, name} }

func when(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func length(d time.Duration) string {
	return strconv.FormatInt(int64(d), 10) + "ns"
}

func seconds(n int32) string { return length(time.Duration(n) * time.Second) }

func wirePods(pods []*v1.Pod) []object {
	list := make([]object, 0, len(pods))
	for _, pod := range pods {
		list = append(list, wirePod(pod))
	}
	return list
}

func wirePod(pod *v1.Pod) object {
	phase := string(pod.Status.Phase)
	if phase == "" {
		phase = "Unknown"
	}
	var started, ready any
	if t := pod.Status.StartTime; t != nil {
		started = when(t.Time)
	}
	if _, c := podutil.GetPodCondition(&pod.Status, v1.PodReady); c != nil {
		ready = object{"status": string(c.Status), "since": when(c.LastTransitionTime.Time)}
	}
	return object{
		"key":         key(pod.Name),
		"phase":       phase,
		"terminating": pod.DeletionTimestamp != nil,
		"started":     started,
		"ready":       ready,
		"requests":    wireRequests(pod),
	}
}

func wireRequests(pod *v1.Pod) object {
	var whole any
	if feature.DefaultFeatureGate.Enabled(features.PodLevelResources) && resourcehelpers.IsPodLevelRequestsSet(pod) {
		whole = wireResources(resourcehelpers.PodRequests(pod, resourcehelpers.PodResourcesOptions{}))
	}
	containers := append([]v1.Container{}, pod.Spec.Containers...)
	for _, c := range pod.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == v1.ContainerRestartPolicyAlways {
			containers = append(containers, c)
		}
	}
	list := make([]object, 0, len(containers))
	for _, c := range containers {
		list = append(list, object{"name": c.Name, "requests": wireResources(c.Resources.Requests)})
	}
	return object{"pod": whole, "containers": list}
}

func wireResources(resources v1.ResourceList) map[string]int64 {
	milli := map[string]int64{}
	for name, quantity := range resources {
		milli[string(name)] = quantity.MilliValue()
	}
	return milli
}

func wireValues(metrics metricsclient.PodMetricsInfo) []object {
	list := make([]object, 0, len(metrics))
	for name, metric := range metrics {
		list = append(list, object{
			"pod":    key(name),
			"milli":  metric.Value,
			"at":     when(metric.Timestamp),
			"window": length(metric.Window),
		})
	}
	return list
}

func read(reading any) object { return object{"Read": reading} }

func lost(err error) object { return object{"Lost": object{"Unavailable": err.Error()}} }

func wireFloat(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func wireTolerances(t Tolerances) object {
	return object{"down": wireFloat(t.scaleDown), "up": wireFloat(t.scaleUp)}
}

func wireRules(rules *autoscalingv2.HPAScalingRules) object {
	// Some of upstream's tests call with half of a behavior.
	if rules == nil {
		rules = &autoscalingv2.HPAScalingRules{}
	}
	choice := autoscalingv2.MaxChangePolicySelect
	if rules.SelectPolicy != nil {
		choice = *rules.SelectPolicy
	}
	policies := []object{}
	for _, p := range rules.Policies {
		policies = append(policies, object{"kind": string(p.Type), "value": p.Value, "period_seconds": p.PeriodSeconds})
	}
	var tolerance any
	if rules.Tolerance != nil && feature.DefaultFeatureGate.Enabled(features.HPAConfigurableTolerance) {
		tolerance = wireFloat(rules.Tolerance.AsApproximateFloat64())
	}
	return object{
		"window_seconds": rules.StabilizationWindowSeconds,
		"select":         selects[choice],
		"policies":       policies,
		"tolerance":      tolerance,
	}
}

var selects = map[autoscalingv2.ScalingPolicySelect]string{
	autoscalingv2.MaxChangePolicySelect: "Max",
	autoscalingv2.MinChangePolicySelect: "Min",
	autoscalingv2.DisabledPolicySelect:  "Disabled",
}

func wireBehavior(behavior *autoscalingv2.HorizontalPodAutoscalerBehavior) any {
	if behavior == nil {
		return nil
	}
	return object{"up": wireRules(behavior.ScaleUp), "down": wireRules(behavior.ScaleDown)}
}

type wireRecommendation struct {
	Replicas int32     `json:"replicas"`
	At       time.Time `json:"at"`
}

type wireEvent struct {
	Change   int32     `json:"change"`
	At       time.Time `json:"at"`
	Outdated bool      `json:"outdated"`
}

type wireMemory struct {
	Recommendations []wireRecommendation `json:"recommendations"`
	Ups             []wireEvent          `json:"ups"`
	Downs           []wireEvent          `json:"downs"`
}

func wireEvents(events []timestampedScaleEvent) []wireEvent {
	list := []wireEvent{}
	for _, e := range events {
		list = append(list, wireEvent{e.replicaChange, e.timestamp.UTC(), e.outdated})
	}
	return list
}

func (m wireMemory) recommendations() []timestampedRecommendation {
	list := []timestampedRecommendation{}
	for _, r := range m.Recommendations {
		list = append(list, timestampedRecommendation{r.Replicas, r.At})
	}
	return list
}

func unwireEvents(events []wireEvent) []timestampedScaleEvent {
	list := []timestampedScaleEvent{}
	for _, e := range events {
		list = append(list, timestampedScaleEvent{e.Change, e.At, e.Outdated})
	}
	return list
}

// wireMemoryOf is what a controller remembers of one HPA. Whoever calls holds all three locks, or
// is alone.
func wireMemoryOf(a *HorizontalController, key string) wireMemory {
	memory := wireEventsOf(a, key)
	memory.Recommendations = wireRecommendationsOf(a, key).Recommendations
	return memory
}

// wireRecommendationsOf needs only the lock of the recommendations.
func wireRecommendationsOf(a *HorizontalController, key string) wireMemory {
	memory := wireMemory{[]wireRecommendation{}, []wireEvent{}, []wireEvent{}}
	for _, r := range a.recommendations[key] {
		memory.Recommendations = append(memory.Recommendations, wireRecommendation{r.recommendation, r.timestamp.UTC()})
	}
	return memory
}

// wireEventsOf needs only the locks of the scale events.
func wireEventsOf(a *HorizontalController, key string) wireMemory {
	return wireMemory{[]wireRecommendation{}, wireEvents(a.scaleUpEvents[key]), wireEvents(a.scaleDownEvents[key])}
}
