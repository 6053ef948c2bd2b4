package podautoscaler

import (
	"context"
	"errors"
	"fmt"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/util/retry"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/monitor"
	"k8s.io/kubernetes/pkg/features"
)

// A whole sync by hpa-oracle: here is only what reads and writes. In the other modes upstream's own
// reconcileAutoscaler runs.

type wireOutcome struct {
	Conditions []struct {
		Kind    string `json:"kind"`
		Status  bool   `json:"status"`
		Reason  string `json:"reason"`
		Message string `json:"message"`
	} `json:"conditions"`
	Faults  []string `json:"faults"`
	Rescale *string  `json:"rescale"`
	Outcome struct {
		Desired     *int32         `json:"desired"`
		Recommended *int32         `json:"recommended"`
		Active      any            `json:"active"`
		Currents    []*wireCurrent `json:"currents"`
	} `json:"outcome"`
	Memory wireMemory `json:"memory"`
}

// decided is false where the metrics allow no decision.
func (o wireOutcome) decided() bool { return o.Outcome.Desired != nil }

// looked is true where the metrics were looked at.
func (o wireOutcome) looked() bool {
	return o.Outcome.Active != nil && o.Outcome.Active != "ScalingDisabled"
}

// say sets the conditions that are wanted.
func (o wireOutcome) say(hpa *autoscalingv2.HorizontalPodAutoscaler, wanted func(autoscalingv2.HorizontalPodAutoscalerConditionType) bool) {
	for _, c := range o.Conditions {
		status, kind := v1.ConditionFalse, autoscalingv2.HorizontalPodAutoscalerConditionType(c.Kind)
		if c.Status {
			status = v1.ConditionTrue
		}
		if wanted(kind) {
			setCondition(hpa, kind, status, c.Reason, "%s", c.Message)
		}
	}
}

func minReplicasOf(hpa *autoscalingv2.HorizontalPodAutoscaler) int32 {
	if hpa.Spec.MinReplicas == nil {
		return 1
	}
	return *hpa.Spec.MinReplicas
}

func scaleToZero() bool { return utilfeature.DefaultFeatureGate.Enabled(features.HPAScaleToZero) }

// askSync asks for one sync of an HPA. Without readings its metrics are not looked at.
func askSync(a *HorizontalController, hpa *autoscalingv2.HorizontalPodAutoscaler, scale *autoscalingv1.Scale, metrics []object, pods []*v1.Pod, memory wireMemory) wireOutcome {
	var o wireOutcome
	err := ask(object{
		"op": "evaluate",
		"spec": object{
			"min":      minReplicasOf(hpa),
			"max":      hpa.Spec.MaxReplicas,
			"behavior": wireBehavior(hpa.Spec.Behavior),
		},
		"current":        scale.Spec.Replicas,
		"status":         scale.Status.Replicas,
		"scaled_to_zero": scaleToZero() && getScaledToZeroConditionStatus(hpa),
		"metrics":        metrics,
		"pods":           wirePods(pods),
		"settings": object{
			"tolerance":                 wireFloat(a.tolerance),
			"downscale_stabilization":   length(a.downscaleStabilisationWindow),
			"cpu_initialization_period": length(a.replicaCalc.cpuInitializationPeriod),
			"initial_readiness_delay":   length(a.replicaCalc.delayOfInitialReadinessStatus),
			"up_factor":                 int(scaleUpLimitFactor),
		},
		"memory": memory,
		"now":    when(shimNow()),
	}, &o)
	if err != nil {
		panic(err)
	}
	return o
}

// unread are the metrics before they are read.
func unread(specs []autoscalingv2.MetricSpec) []object {
	list := make([]object, 0, len(specs))
	for _, spec := range specs {
		list = append(list, wireMetric(spec, object{"Lost": "NotAskedYet"}))
	}
	return list
}

// wireTarget is the target of a metric; some of upstream's tests have none, which is one of 0.
func wireTarget(target autoscalingv2.MetricTarget, none string) object {
	switch {
	case target.AverageValue != nil:
		return object{"AverageValue": target.AverageValue.MilliValue()}
	case target.AverageUtilization != nil:
		return object{"Utilization": *target.AverageUtilization}
	case target.Value != nil:
		return object{"Value": target.Value.MilliValue()}
	default:
		return object{none: 0}
	}
}

func wireMetric(spec autoscalingv2.MetricSpec, reading object) object {
	switch spec.Type {
	case autoscalingv2.ResourceMetricSourceType:
		return resourceMetric(spec.Resource.Name, "", wireTarget(spec.Resource.Target, "Utilization"), reading)
	case autoscalingv2.ContainerResourceMetricSourceType:
		c := spec.ContainerResource
		return resourceMetric(c.Name, c.Container, wireTarget(c.Target, "Utilization"), reading)
	case autoscalingv2.PodsMetricSourceType:
		return object{"Pods": object{"name": spec.Pods.Metric.Name, "average": spec.Pods.Target.AverageValue.MilliValue(), "reading": reading}}
	case autoscalingv2.ObjectMetricSourceType:
		return objectMetric(spec.Object.Metric.Name, spec.Object.DescribedObject.Kind, wireTarget(spec.Object.Target, "Value"), reading)
	case autoscalingv2.ExternalMetricSourceType:
		return externalMetric(spec.External.Metric.Name, wireTarget(spec.External.Target, "Value"), reading)
	}
	panic("no such metric: " + spec.Type)
}

// wireReading reads one metric.
func wireReading(ctx context.Context, c *ReplicaCalculator, spec autoscalingv2.MetricSpec, namespace string, selector labels.Selector) object {
	var reading any
	var err error
	var metricSelector labels.Selector
	switch spec.Type {
	case autoscalingv2.ResourceMetricSourceType, autoscalingv2.ContainerResourceMetricSourceType:
		var name v1.ResourceName
		var container string
		if spec.Resource != nil {
			name = spec.Resource.Name
		} else {
			name, container = spec.ContainerResource.Name, spec.ContainerResource.Container
		}
		metrics, _, e := c.metricsClient.GetResourceMetric(ctx, name, namespace, selector, container)
		reading, err = wireValues(metrics), e
	case autoscalingv2.PodsMetricSourceType:
		if metricSelector, err = metav1.LabelSelectorAsSelector(spec.Pods.Metric.Selector); err == nil {
			metrics, _, e := c.metricsClient.GetRawMetric(spec.Pods.Metric.Name, namespace, selector, metricSelector)
			reading, err = wireValues(metrics), e
		}
	case autoscalingv2.ObjectMetricSourceType:
		if metricSelector, err = metav1.LabelSelectorAsSelector(spec.Object.Metric.Selector); err == nil {
			reading, _, err = c.metricsClient.GetObjectMetric(spec.Object.Metric.Name, namespace, &spec.Object.DescribedObject, metricSelector)
		}
	case autoscalingv2.ExternalMetricSourceType:
		reading, _, err = c.external(spec.External.Metric.Name, namespace, spec.External.Metric.Selector)
	}
	if err != nil {
		return lost(err)
	}
	return read(reading)
}

func milliQuantity(value *int64) *resource.Quantity {
	if value == nil {
		return nil
	}
	return resource.NewMilliQuantity(*value, resource.DecimalSI)
}

// statusOf is what status.currentMetrics says of a metric.
func statusOf(spec autoscalingv2.MetricSpec, current *wireCurrent) autoscalingv2.MetricStatus {
	if current == nil {
		return autoscalingv2.MetricStatus{}
	}
	value := autoscalingv2.MetricValueStatus{
		AverageUtilization: current.Utilization,
		AverageValue:       milliQuantity(current.Average),
		Value:              milliQuantity(current.Value),
	}
	status := autoscalingv2.MetricStatus{Type: spec.Type}
	quantity := func(name v1.ResourceName) {
		q := buildQuantity(name, *current.Average)
		value.AverageValue = &q
	}
	switch spec.Type {
	case autoscalingv2.ResourceMetricSourceType:
		quantity(spec.Resource.Name)
		status.Resource = &autoscalingv2.ResourceMetricStatus{Name: spec.Resource.Name, Current: value}
	case autoscalingv2.ContainerResourceMetricSourceType:
		c := spec.ContainerResource
		quantity(c.Name)
		status.ContainerResource = &autoscalingv2.ContainerResourceMetricStatus{Name: c.Name, Container: c.Container, Current: value}
	case autoscalingv2.PodsMetricSourceType:
		status.Pods = &autoscalingv2.PodsMetricStatus{Metric: spec.Pods.Metric, Current: value}
	case autoscalingv2.ObjectMetricSourceType:
		status.Object = &autoscalingv2.ObjectMetricStatus{DescribedObject: spec.Object.DescribedObject, Metric: spec.Object.Metric, Current: value}
	case autoscalingv2.ExternalMetricSourceType:
		status.External = &autoscalingv2.ExternalMetricStatus{Metric: spec.External.Metric, Current: value}
	}
	return status
}

func known(specs []autoscalingv2.MetricSpec) bool {
	for _, spec := range specs {
		switch spec.Type {
		case autoscalingv2.ResourceMetricSourceType, autoscalingv2.ContainerResourceMetricSourceType,
			autoscalingv2.PodsMetricSourceType, autoscalingv2.ObjectMetricSourceType, autoscalingv2.ExternalMetricSourceType:
		default:
			return false
		}
	}
	return true
}

func (a *HorizontalController) reconcileAutoscaler(ctx context.Context, shared *autoscalingv2.HorizontalPodAutoscaler, key string) error {
	// A type that is not in the API cannot be said to the oracle either.
	if shimMode != modeWhole || !known(shared.Spec.Metrics) {
		return a.upstreamReconcileAutoscaler(ctx, shared, key)
	}
	start, action := time.Now(), monitor.ActionLabelNone
	err := a.wholeSync(ctx, shared.DeepCopy(), key, &action)
	label := monitor.ErrorLabelNone
	if err != nil {
		label = monitor.ErrorLabelInternal
	}
	if errors.Is(err, errSpec) {
		label = monitor.ErrorLabelSpec
	}
	a.monitor.ObserveReconciliationResult(action, label, time.Since(start))
	return err
}

// scaleOf reads the target's scale, and says on the HPA where there is none.
func (a *HorizontalController) scaleOf(ctx context.Context, hpa *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv1.Scale, schema.GroupResource, error) {
	ref := hpa.Spec.ScaleTargetRef
	version, err := schema.ParseGroupVersion(ref.APIVersion)
	if err != nil {
		return nil, schema.GroupResource{}, fmt.Errorf("%w%w", err, errSpec)
	}
	mappings, err := a.mapper.RESTMappings(schema.GroupKind{Group: version.Group, Kind: ref.Kind})
	if err != nil {
		return nil, schema.GroupResource{}, err
	}
	return a.scaleForResourceMappings(ctx, hpa.Namespace, ref.Name, mappings)
}

func (a *HorizontalController) wholeSync(ctx context.Context, hpa *autoscalingv2.HorizontalPodAutoscaler, key string, action *monitor.ActionLabel) error {
	before := hpa.Status.DeepCopy()
	scale, group, err := a.scaleOf(ctx, hpa)
	if err != nil {
		a.eventRecorder.Event(hpa, v1.EventTypeWarning, "FailedGetScale", err.Error())
		setCondition(hpa, autoscalingv2.AbleToScale, v1.ConditionFalse, "FailedGetScale", "%v", err)
		return errors.Join(err, a.updateStatusIfNeeded(ctx, before, hpa))
	}
	current := scale.Spec.Replicas
	outcome := askSync(a, hpa, scale, unread(hpa.Spec.Metrics), nil, a.lockedMemory(key))
	var statuses []autoscalingv2.MetricStatus
	if outcome.looked() {
		setCondition(hpa, autoscalingv2.AbleToScale, v1.ConditionTrue, "SucceededGetScale", "")
		selector, err := a.validateAndParseSelector(hpa, scale.Status.Selector)
		if err != nil {
			return a.undecided(ctx, before, hpa, current, nil, err)
		}
		outcome, statuses = a.look(ctx, hpa, scale, selector, key)
	}
	a.keep(key, outcome.Memory)
	rescales := outcome.decided() && *outcome.Outcome.Desired != current
	outcome.say(hpa, func(kind autoscalingv2.HorizontalPodAutoscalerConditionType) bool {
		return kind != autoscalingv2.ScaledToZero // only once the count is written
	})
	var faults error
	if len(outcome.Faults) > 0 {
		faults = fmt.Errorf("invalid metrics (%d invalid out of %d), first error is: %s", len(outcome.Faults), len(hpa.Spec.Metrics), outcome.Faults[0])
	}
	if !outcome.decided() {
		return a.undecided(ctx, before, hpa, current, statuses, faults)
	}
	desired := *outcome.Outcome.Desired
	if rescales {
		if err := a.writeScale(ctx, hpa, group, scale, desired); err != nil {
			a.eventRecorder.Eventf(hpa, v1.EventTypeWarning, "FailedRescale", "New size: %d; error: %v", desired, err)
			setCondition(hpa, autoscalingv2.AbleToScale, v1.ConditionFalse, "FailedUpdateScale", "%v", err)
			a.setCurrentReplicasAndMetricsInStatus(hpa, current, statuses)
			return errors.Join(err, a.updateStatusIfNeeded(ctx, before, hpa))
		}
		outcome.say(hpa, func(autoscalingv2.HorizontalPodAutoscalerConditionType) bool { return true })
		why := ""
		if outcome.Rescale != nil {
			why = *outcome.Rescale
		}
		a.eventRecorder.Eventf(hpa, v1.EventTypeNormal, "SuccessfulRescale", "New size: %d; reason: %s", desired, why)
		a.storeScaleEvent(hpa.Spec.Behavior, key, current, desired)
		*action = monitor.ActionLabelScaleDown
		if desired > current {
			*action = monitor.ActionLabelScaleUp
		}
	}
	if !scaleToZero() {
		removeCondition(hpa, autoscalingv2.ScaledToZero)
	}
	a.setStatus(hpa, current, desired, statuses, rescales)
	a.monitor.ObserveDesiredReplicas(hpa.Namespace, hpa.Name, desired)
	if err := a.updateStatusIfNeeded(ctx, before, hpa); err != nil {
		return err
	}
	return faults
}

// look reads every metric and asks for the sync.
func (a *HorizontalController) look(ctx context.Context, hpa *autoscalingv2.HorizontalPodAutoscaler, scale *autoscalingv1.Scale, selector labels.Selector, key string) (wireOutcome, []autoscalingv2.MetricStatus) {
	pods, err := a.podLister.Pods(hpa.Namespace).List(selector)
	if err != nil {
		panic(err)
	}
	var metrics []object
	for _, spec := range hpa.Spec.Metrics {
		start := time.Now()
		metric := wireMetric(spec, wireReading(ctx, a.replicaCalc, spec, hpa.Namespace, selector))
		metrics = append(metrics, metric)
		p, err := a.replicaCalc.propose(metric, scale.Spec.Replicas, scale.Status.Replicas, a.tolerancesForHpa(hpa), hpa.Namespace, selector)
		action, label := monitor.ActionLabelNone, monitor.ErrorLabelNone
		switch {
		case err != nil:
			label = monitor.ErrorLabelInternal
		case p.Replicas > hpa.Status.CurrentReplicas:
			action = monitor.ActionLabelScaleUp
		case p.Replicas < hpa.Status.CurrentReplicas:
			action = monitor.ActionLabelScaleDown
		}
		a.monitor.ObserveMetricComputationResult(action, label, time.Since(start), spec.Type)
	}
	outcome := askSync(a, hpa, scale, metrics, pods, a.lockedMemory(key))
	var statuses []autoscalingv2.MetricStatus
	for i, spec := range hpa.Spec.Metrics {
		statuses = append(statuses, statusOf(spec, outcome.Outcome.Currents[i]))
	}
	return outcome, statuses
}

func (a *HorizontalController) undecided(ctx context.Context, before *autoscalingv2.HorizontalPodAutoscalerStatus, hpa *autoscalingv2.HorizontalPodAutoscaler, current int32, statuses []autoscalingv2.MetricStatus, err error) error {
	a.setCurrentReplicasAndMetricsInStatus(hpa, current, statuses)
	failed := a.updateStatusIfNeeded(ctx, before, hpa)
	a.eventRecorder.Event(hpa, v1.EventTypeWarning, "FailedComputeMetricsReplicas", err.Error())
	return errors.Join(err, failed)
}

func (a *HorizontalController) writeScale(ctx context.Context, hpa *autoscalingv2.HorizontalPodAutoscaler, group schema.GroupResource, scale *autoscalingv1.Scale, desired int32) error {
	scales := a.scaleNamespacer.Scales(hpa.Namespace)
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		scale.Spec.Replicas = desired
		_, err := scales.Update(ctx, group, scale, metav1.UpdateOptions{})
		if err != nil {
			if latest, e := scales.Get(ctx, group, hpa.Spec.ScaleTargetRef.Name, metav1.GetOptions{}); e == nil {
				scale = latest
			}
		}
		return err
	})
}

func (a *HorizontalController) lockedMemory(key string) wireMemory {
	a.recommendationsLock.Lock()
	defer a.recommendationsLock.Unlock()
	a.scaleUpEventsLock.RLock()
	defer a.scaleUpEventsLock.RUnlock()
	a.scaleDownEventsLock.RLock()
	defer a.scaleDownEventsLock.RUnlock()
	memory := wireMemoryOf(a, key)
	if list, begun := a.recommendations[key]; begun && list != nil && len(list) == 0 {
		// Upstream's tests have a history that has begun and is empty; one that no window reaches
		// is the same.
		memory.Recommendations = append(memory.Recommendations, wireRecommendation{0, shimNow().Add(-24 * time.Hour).UTC()})
	}
	return memory
}

func (a *HorizontalController) keep(key string, memory wireMemory) {
	a.recommendationsLock.Lock()
	defer a.recommendationsLock.Unlock()
	a.scaleUpEventsLock.Lock()
	defer a.scaleUpEventsLock.Unlock()
	a.scaleDownEventsLock.Lock()
	defer a.scaleDownEventsLock.Unlock()
	a.recommendations[key] = memory.recommendations()
	a.remember(key, memory)
}
