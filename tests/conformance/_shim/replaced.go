package podautoscaler

import (
	"context"
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
)

// Functions of upstream's names: in the mode "parts" each reads what upstream's would read, and
// asks hpa-oracle for the rest.

type wireCurrent struct {
	Utilization *int32 `json:"utilization"`
	Average     *int64 `json:"average"`
	Value       *int64 `json:"value"`
}

type wireProposal struct {
	Replicas int32       `json:"replicas"`
	Value    wireCurrent `json:"value"`
}

func scopeOf(c *ReplicaCalculator, metric object, current, status int32, tolerances Tolerances, pods []*v1.Pod) object {
	return object{
		"op":              "propose",
		"metric":          metric,
		"current":         current,
		"status":          status,
		"tolerances":      wireTolerances(tolerances),
		"pods":            wirePods(pods),
		"initialization":  length(c.cpuInitializationPeriod),
		"readiness_delay": length(c.delayOfInitialReadinessStatus),
		"now":             when(shimNow()),
	}
}

func (c *ReplicaCalculator) propose(metric object, current, status int32, tolerances Tolerances, namespace string, selector labels.Selector) (wireProposal, error) {
	var pods []*v1.Pod
	if selector != nil {
		var err error
		if pods, err = c.podLister.Pods(namespace).List(selector); err != nil {
			return wireProposal{}, fmt.Errorf("unable to get pods while calculating replica count: %w", err)
		}
	}
	var p wireProposal
	err := ask(scopeOf(c, metric, current, status, tolerances, pods), &p)
	return p, err
}

func resourceMetric(resource v1.ResourceName, container string, target object, reading object) object {
	var named any
	if container != "" {
		named = container
	}
	return object{"Resource": object{"name": string(resource), "container": named, "target": target, "reading": reading}}
}

func (c *ReplicaCalculator) GetResourceReplicas(ctx context.Context, currentReplicas int32, targetUtilization int32, resource v1.ResourceName, tolerances Tolerances, namespace string, selector labels.Selector, container string) (int32, int32, int64, time.Time, error) {
	if shimMode == modeUpstream {
		return c.upstreamGetResourceReplicas(ctx, currentReplicas, targetUtilization, resource, tolerances, namespace, selector, container)
	}
	metrics, timestamp, err := c.metricsClient.GetResourceMetric(ctx, resource, namespace, selector, container)
	if err != nil {
		return 0, 0, 0, time.Time{}, fmt.Errorf("unable to get metrics for resource %s: %w", resource, err)
	}
	metric := resourceMetric(resource, container, object{"Utilization": targetUtilization}, read(wireValues(metrics)))
	p, err := c.propose(metric, currentReplicas, 0, tolerances, namespace, selector)
	if err != nil {
		return 0, 0, 0, time.Time{}, err
	}
	return p.Replicas, *p.Value.Utilization, *p.Value.Average, timestamp, nil
}

func (c *ReplicaCalculator) GetRawResourceReplicas(ctx context.Context, currentReplicas int32, targetUsage int64, resource v1.ResourceName, tolerances Tolerances, namespace string, selector labels.Selector, container string) (int32, int64, time.Time, error) {
	if shimMode == modeUpstream {
		return c.upstreamGetRawResourceReplicas(ctx, currentReplicas, targetUsage, resource, tolerances, namespace, selector, container)
	}
	metrics, timestamp, err := c.metricsClient.GetResourceMetric(ctx, resource, namespace, selector, container)
	if err != nil {
		return 0, 0, time.Time{}, fmt.Errorf("unable to get metrics for resource %s: %w", resource, err)
	}
	metric := resourceMetric(resource, container, object{"AverageValue": targetUsage}, read(wireValues(metrics)))
	p, err := c.propose(metric, currentReplicas, 0, tolerances, namespace, selector)
	if err != nil {
		return 0, 0, timestamp, err
	}
	return p.Replicas, *p.Value.Average, timestamp, nil
}

func (c *ReplicaCalculator) GetMetricReplicas(currentReplicas int32, targetUsage int64, metricName string, tolerances Tolerances, namespace string, selector labels.Selector, metricSelector labels.Selector) (int32, int64, time.Time, error) {
	if shimMode == modeUpstream {
		return c.upstreamGetMetricReplicas(currentReplicas, targetUsage, metricName, tolerances, namespace, selector, metricSelector)
	}
	metrics, timestamp, err := c.metricsClient.GetRawMetric(metricName, namespace, selector, metricSelector)
	if err != nil {
		return 0, 0, time.Time{}, fmt.Errorf("unable to get metric %s: %w", metricName, err)
	}
	metric := object{"Pods": object{"name": metricName, "average": targetUsage, "reading": read(wireValues(metrics))}}
	p, err := c.propose(metric, currentReplicas, 0, tolerances, namespace, selector)
	if err != nil {
		return 0, 0, timestamp, err
	}
	return p.Replicas, *p.Value.Average, timestamp, nil
}

func objectMetric(name, kind string, target object, reading object) object {
	return object{"Object": object{"name": name, "kind": kind, "target": target, "reading": reading}}
}

func (c *ReplicaCalculator) GetObjectMetricReplicas(currentReplicas int32, targetUsage int64, metricName string, tolerances Tolerances, namespace string, objectRef *autoscalingv2.CrossVersionObjectReference, selector labels.Selector, metricSelector labels.Selector) (int32, int64, time.Time, error) {
	if shimMode == modeUpstream {
		return c.upstreamGetObjectMetricReplicas(currentReplicas, targetUsage, metricName, tolerances, namespace, objectRef, selector, metricSelector)
	}
	usage, _, err := c.metricsClient.GetObjectMetric(metricName, namespace, objectRef, metricSelector)
	if err != nil {
		return 0, 0, time.Time{}, fmt.Errorf("unable to get metric %s on %s %s/%s: %w", metricName, objectRef.Kind, namespace, objectRef.Name, err)
	}
	metric := objectMetric(metricName, objectRef.Kind, object{"Value": targetUsage}, read(usage))
	p, err := c.propose(metric, currentReplicas, 0, tolerances, namespace, selector)
	return p.Replicas, usage, time.Time{}, err
}

func (c *ReplicaCalculator) GetObjectPerPodMetricReplicas(statusReplicas int32, targetAverageUsage int64, metricName string, tolerances Tolerances, namespace string, objectRef *autoscalingv2.CrossVersionObjectReference, metricSelector labels.Selector) (int32, int64, time.Time, error) {
	if shimMode == modeUpstream {
		return c.upstreamGetObjectPerPodMetricReplicas(statusReplicas, targetAverageUsage, metricName, tolerances, namespace, objectRef, metricSelector)
	}
	usage, timestamp, err := c.metricsClient.GetObjectMetric(metricName, namespace, objectRef, metricSelector)
	if err != nil {
		return 0, 0, time.Time{}, fmt.Errorf("unable to get metric %s on %s %s/%s: %w", metricName, objectRef.Kind, namespace, objectRef.Name, err)
	}
	metric := objectMetric(metricName, objectRef.Kind, object{"AverageValue": targetAverageUsage}, read(usage))
	p, err := c.propose(metric, 0, statusReplicas, tolerances, namespace, nil)
	if err != nil {
		return 0, 0, timestamp, err
	}
	return p.Replicas, *p.Value.Average, timestamp, nil
}

func externalMetric(name string, target object, reading object) object {
	return object{"External": object{"name": name, "target": target, "reading": reading}}
}

func (c *ReplicaCalculator) external(metricName, namespace string, metricSelector *metav1.LabelSelector) ([]int64, time.Time, error) {
	selector, err := metav1.LabelSelectorAsSelector(metricSelector)
	if err != nil {
		return nil, time.Time{}, err
	}
	metrics, timestamp, err := c.metricsClient.GetExternalMetric(metricName, namespace, selector)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("unable to get external metric %s/%s/%+v: %s", namespace, metricName, metricSelector, err)
	}
	return metrics, timestamp, nil
}

func (c *ReplicaCalculator) GetExternalMetricReplicas(currentReplicas int32, targetUsage int64, metricName string, tolerances Tolerances, namespace string, metricSelector *metav1.LabelSelector, podSelector labels.Selector) (int32, int64, time.Time, error) {
	if shimMode == modeUpstream {
		return c.upstreamGetExternalMetricReplicas(currentReplicas, targetUsage, metricName, tolerances, namespace, metricSelector, podSelector)
	}
	metrics, _, err := c.external(metricName, namespace, metricSelector)
	if err != nil {
		return 0, 0, time.Time{}, err
	}
	metric := externalMetric(metricName, object{"Value": targetUsage}, read(metrics))
	p, err := c.propose(metric, currentReplicas, 0, tolerances, namespace, podSelector)
	if err != nil {
		return 0, 0, time.Time{}, err
	}
	return p.Replicas, *p.Value.Value, time.Time{}, nil
}

func (c *ReplicaCalculator) GetExternalPerPodMetricReplicas(statusReplicas int32, targetUsagePerPod int64, metricName string, tolerances Tolerances, namespace string, metricSelector *metav1.LabelSelector) (int32, int64, time.Time, error) {
	if shimMode == modeUpstream {
		return c.upstreamGetExternalPerPodMetricReplicas(statusReplicas, targetUsagePerPod, metricName, tolerances, namespace, metricSelector)
	}
	metrics, timestamp, err := c.external(metricName, namespace, metricSelector)
	if err != nil {
		return 0, 0, time.Time{}, err
	}
	metric := externalMetric(metricName, object{"AverageValue": targetUsagePerPod}, read(metrics))
	p, err := c.propose(metric, 0, statusReplicas, tolerances, namespace, nil)
	if err != nil {
		return 0, 0, timestamp, err
	}
	return p.Replicas, *p.Value.Average, timestamp, nil
}

func groupPods(pods []*v1.Pod, metrics metricsclient.PodMetricsInfo, resource v1.ResourceName, cpuInitializationPeriod, delayOfInitialReadinessStatus time.Duration) (int, sets.Set[string], sets.Set[string], sets.Set[string]) {
	if shimMode == modeUpstream {
		return upstreamGroupPods(pods, metrics, resource, cpuInitializationPeriod, delayOfInitialReadinessStatus)
	}
	return askGroups(pods, metrics, resource, cpuInitializationPeriod, delayOfInitialReadinessStatus)
}

func askGroups(pods []*v1.Pod, metrics metricsclient.PodMetricsInfo, resource v1.ResourceName, cpuInitializationPeriod, delayOfInitialReadinessStatus time.Duration) (int, sets.Set[string], sets.Set[string], sets.Set[string]) {
	var groups struct {
		Ready                     int
		Unready, Missing, Ignored []wireKey
	}
	err := ask(object{
		"op":              "group",
		"pods":            wirePods(pods),
		"values":          wireValues(metrics),
		"cpu":             resource == v1.ResourceCPU,
		"initialization":  length(cpuInitializationPeriod),
		"readiness_delay": length(delayOfInitialReadinessStatus),
		"now":             when(shimNow()),
	}, &groups)
	if err != nil {
		panic(err)
	}
	names := func(keys []wireKey) sets.Set[string] {
		set := sets.New[string]()
		for _, key := range keys {
			set.Insert(key.Name)
		}
		return set
	}
	return groups.Ready, names(groups.Unready), names(groups.Missing), names(groups.Ignored)
}

func askRequests(pods []*v1.Pod, container string, resource v1.ResourceName) (map[string]int64, error) {
	var named any
	if container != "" {
		named = container
	}
	var list []struct {
		Pod   wireKey
		Milli int64
	}
	err := ask(object{"op": "requests", "pods": wirePods(pods), "container": named, "resource": string(resource)}, &list)
	if err != nil {
		// Of the same type as upstream's, which its tests compare.
		return nil, fmt.Errorf("%s", err.Error())
	}
	requests := map[string]int64{}
	for _, entry := range list {
		requests[entry.Pod.Name] = entry.Milli
	}
	return requests, nil
}

func calculateRequests(pods []*v1.Pod, container string, resource v1.ResourceName) (map[string]int64, error) {
	if shimMode == modeUpstream {
		return upstreamCalculateRequests(pods, container, resource)
	}
	return askRequests(pods, container, resource)
}

func calculatePodRequestsFromContainers(pod *v1.Pod, container string, resource v1.ResourceName) (int64, error) {
	if shimMode == modeUpstream {
		return upstreamCalculatePodRequestsFromContainers(pod, container, resource)
	}
	requests, err := askRequests([]*v1.Pod{pod}, container, resource)
	return requests[pod.Name], err
}

type wireStabilized struct {
	Replicas int32      `json:"replicas"`
	Memory   wireMemory `json:"memory"`
}

func (a *HorizontalController) stabilizeRecommendation(key string, prenormalizedDesiredReplicas int32) int32 {
	if shimMode == modeUpstream {
		return a.upstreamStabilizeRecommendation(key, prenormalizedDesiredReplicas)
	}
	a.recommendationsLock.Lock()
	defer a.recommendationsLock.Unlock()
	s := askHighest(wireRecommendationsOf(a, key), prenormalizedDesiredReplicas, a.downscaleStabilisationWindow)
	a.recommendations[key] = s.Memory.recommendations()
	return s.Replicas
}

func askHighest(memory wireMemory, desired int32, window time.Duration) wireStabilized {
	var s wireStabilized
	if err := ask(object{"op": "highest", "memory": memory, "desired": desired, "window": length(window), "now": when(shimNow())}, &s); err != nil {
		panic(err)
	}
	return s
}

func (a *HorizontalController) stabilizeRecommendationWithBehaviors(args NormalizationArg) (int32, string, string) {
	if shimMode == modeUpstream {
		return a.upstreamStabilizeRecommendationWithBehaviors(args)
	}
	a.recommendationsLock.Lock()
	defer a.recommendationsLock.Unlock()
	s := askWithin(wireRecommendationsOf(a, args.Key), args)
	a.recommendations[args.Key] = s.Memory.recommendations()
	// The words are only used where the count was moved.
	if args.DesiredReplicas >= args.CurrentReplicas {
		return s.Replicas, "ScaleUpStabilized", "recent recommendations were lower than current one, applying the lowest recent recommendation"
	}
	return s.Replicas, "ScaleDownStabilized", "recent recommendations were higher than current one, applying the highest recent recommendation"
}

func askWithin(memory wireMemory, args NormalizationArg) wireStabilized {
	var s wireStabilized
	err := ask(object{
		"op":          "within",
		"memory":      memory,
		"current":     args.CurrentReplicas,
		"desired":     args.DesiredReplicas,
		"up_window":   seconds(*args.ScaleUpBehavior.StabilizationWindowSeconds),
		"down_window": seconds(*args.ScaleDownBehavior.StabilizationWindowSeconds),
		"now":         when(shimNow()),
	}, &s)
	if err != nil {
		panic(err)
	}
	return s
}

type wireLimited struct {
	Replicas int32  `json:"replicas"`
	Limit    string `json:"limit"`
	Message  string `json:"message"`
}

func convertDesiredReplicasWithRules(currentReplicas, desiredReplicas, hpaMinReplicas, hpaMaxReplicas int32) (int32, string, string) {
	if shimMode == modeUpstream {
		return upstreamConvertDesiredReplicasWithRules(currentReplicas, desiredReplicas, hpaMinReplicas, hpaMaxReplicas)
	}
	l := askByBounds(currentReplicas, desiredReplicas, hpaMinReplicas, hpaMaxReplicas)
	return l.Replicas, l.Limit, l.Message
}

func askByBounds(current, desired, min, max int32) wireLimited {
	var l wireLimited
	if err := ask(object{"op": "by_bounds", "current": current, "desired": desired, "min": min, "max": max, "factor": int(scaleUpLimitFactor)}, &l); err != nil {
		panic(err)
	}
	return l
}

func (a *HorizontalController) convertDesiredReplicasWithBehaviorRate(args NormalizationArg) (int32, string, string) {
	if shimMode == modeUpstream {
		return a.upstreamConvertDesiredReplicasWithBehaviorRate(args)
	}
	a.scaleUpEventsLock.RLock()
	defer a.scaleUpEventsLock.RUnlock()
	a.scaleDownEventsLock.RLock()
	defer a.scaleDownEventsLock.RUnlock()
	l := askByRates(wireEventsOf(a, args.Key), args)
	return l.Replicas, l.Limit, l.Message
}

func askByRates(memory wireMemory, args NormalizationArg) wireLimited {
	var l wireLimited
	err := ask(object{
		"op":       "by_rates",
		"memory":   memory,
		"behavior": object{"up": wireRules(args.ScaleUpBehavior), "down": wireRules(args.ScaleDownBehavior)},
		"min":      args.MinReplicas,
		"max":      args.MaxReplicas,
		"current":  args.CurrentReplicas,
		"desired":  args.DesiredReplicas,
		"now":      when(shimNow()),
	}, &l)
	if err != nil {
		panic(err)
	}
	return l
}

func askNumber(question object) int32 {
	var n int32
	if err := ask(question, &n); err != nil {
		panic(err)
	}
	return n
}

func calculateScaleUpLimit(currentReplicas int32) int32 {
	if shimMode == modeUpstream {
		return upstreamCalculateScaleUpLimit(currentReplicas)
	}
	return askNumber(object{"op": "up_limit", "current": currentReplicas, "factor": int(scaleUpLimitFactor)})
}

func askRate(op string, current int32, ups, downs []timestampedScaleEvent, rules *autoscalingv2.HPAScalingRules) int32 {
	memory := wireMemory{[]wireRecommendation{}, wireEvents(ups), wireEvents(downs)}
	return askNumber(object{"op": op, "rules": wireRules(rules), "current": current, "memory": memory, "now": when(shimNow())})
}

func calculateScaleUpLimitWithScalingRules(currentReplicas int32, scaleUpEvents, scaleDownEvents []timestampedScaleEvent, scalingRules *autoscalingv2.HPAScalingRules) int32 {
	if shimMode == modeUpstream {
		return upstreamCalculateScaleUpLimitWithScalingRules(currentReplicas, scaleUpEvents, scaleDownEvents, scalingRules)
	}
	return askRate("most", currentReplicas, scaleUpEvents, scaleDownEvents, scalingRules)
}

func calculateScaleDownLimitWithBehaviors(currentReplicas int32, scaleUpEvents, scaleDownEvents []timestampedScaleEvent, scalingRules *autoscalingv2.HPAScalingRules) int32 {
	if shimMode == modeUpstream {
		return upstreamCalculateScaleDownLimitWithBehaviors(currentReplicas, scaleUpEvents, scaleDownEvents, scalingRules)
	}
	return askRate("least", currentReplicas, scaleUpEvents, scaleDownEvents, scalingRules)
}

func getReplicasChangePerPeriod(periodSeconds int32, scaleEvents []timestampedScaleEvent) int32 {
	if shimMode == modeUpstream {
		return upstreamGetReplicasChangePerPeriod(periodSeconds, scaleEvents)
	}
	return askNumber(object{"op": "changed", "events": wireEvents(scaleEvents), "period_seconds": periodSeconds, "now": when(shimNow())})
}

func (a *HorizontalController) storeScaleEvent(behavior *autoscalingv2.HorizontalPodAutoscalerBehavior, key string, prevReplicas, newReplicas int32) {
	if shimMode == modeUpstream {
		a.upstreamStoreScaleEvent(behavior, key, prevReplicas, newReplicas)
		return
	}
	a.scaleUpEventsLock.Lock()
	defer a.scaleUpEventsLock.Unlock()
	a.scaleDownEventsLock.Lock()
	defer a.scaleDownEventsLock.Unlock()
	a.remember(key, askRescaled(wireEventsOf(a, key), behavior, prevReplicas, newReplicas))
}

func askRescaled(memory wireMemory, behavior *autoscalingv2.HorizontalPodAutoscalerBehavior, from, to int32) wireMemory {
	var m wireMemory
	err := ask(object{"op": "rescaled", "memory": memory, "behavior": wireBehavior(behavior), "from": from, "to": to, "at": when(shimNow())}, &m)
	if err != nil {
		panic(err)
	}
	return m
}

// remember takes over the scale events of a memory.
func (a *HorizontalController) remember(key string, memory wireMemory) {
	// Some of upstream's tests make a controller with one of the two maps.
	if a.scaleUpEvents != nil {
		a.scaleUpEvents[key] = unwireEvents(memory.Ups)
	}
	if a.scaleDownEvents != nil {
		a.scaleDownEvents[key] = unwireEvents(memory.Downs)
	}
}
