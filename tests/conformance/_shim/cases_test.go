package podautoscaler

import (
	"fmt"
	"math"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiautoscalingv2 "k8s.io/kubernetes/pkg/apis/autoscaling/v2"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
)

// Random pods, metrics and histories. Where upstream's arithmetic overflows, which is where ours
// saturates, no case goes; all other edges are chosen often.

var theNow = time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)

func (t *tape) ago(max int64) time.Time {
	// Whole seconds as the API has them, and their neighbours.
	d := time.Duration(t.between(0, max)) * time.Second
	return theNow.Add(-d + time.Duration(pick(t, 0, 0, 0, 1, -1)))
}

func (t *tape) tolerances() Tolerances {
	one := func() float64 { return pick(t, 0.1, 0.1, 0, 0.05, 0.2, 0.07, 1, 2) }
	return Tolerances{one(), one()}
}

func (t *tape) pods(n int64) []*v1.Pod {
	// Their requests are mostly alike, as of one template.
	request := pick(t, int64(1000), 100, 250, 10, 3333)
	levels := t.oneIn(8)
	missing := t.oneIn(10)
	var pods []*v1.Pod
	for i := int64(0); i < n; i++ {
		pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("pod-%d", i), Namespace: "ns"}}
		pod.Status.Phase = pick(t, v1.PodRunning, v1.PodRunning, v1.PodRunning, v1.PodRunning, v1.PodRunning, v1.PodPending, v1.PodFailed, v1.PodSucceeded, v1.PodUnknown, "")
		if t.oneIn(10) {
			pod.DeletionTimestamp = &metav1.Time{Time: theNow}
		}
		if !t.oneIn(15) {
			pod.Status.StartTime = &metav1.Time{Time: t.ago(pick(t, int64(3600), 3600, 320, 40))}
		}
		if !t.oneIn(15) {
			ready := v1.PodCondition{Type: v1.PodReady, Status: pick(t, v1.ConditionTrue, v1.ConditionTrue, v1.ConditionTrue, v1.ConditionFalse, v1.ConditionUnknown)}
			switch start := pod.Status.StartTime; {
			case start != nil && !t.oneIn(4):
				ready.LastTransitionTime = metav1.Time{Time: start.Add(time.Duration(t.between(0, 60)) * time.Second)}
			case !t.oneIn(4):
				ready.LastTransitionTime = metav1.Time{Time: t.ago(400)}
			}
			pod.Status.Conditions = append(pod.Status.Conditions, ready)
		}
		list := func(milli int64) v1.ResourceList {
			if missing && t.oneIn(6) {
				return nil
			}
			return v1.ResourceList{
				v1.ResourceCPU:    *resource.NewMilliQuantity(milli, resource.DecimalSI),
				v1.ResourceMemory: *resource.NewQuantity(milli<<16, resource.BinarySI),
			}
		}
		always := v1.ContainerRestartPolicyAlways
		pod.Spec.Containers = []v1.Container{{Name: "app", Resources: v1.ResourceRequirements{Requests: list(request)}}}
		if t.oneIn(3) {
			pod.Spec.Containers = append(pod.Spec.Containers, v1.Container{Name: "proxy", Resources: v1.ResourceRequirements{Requests: list(t.between(10, 500))}})
		}
		if t.oneIn(4) {
			pod.Spec.InitContainers = []v1.Container{
				{Name: "init", Resources: v1.ResourceRequirements{Requests: list(77)}},
				{Name: "side", RestartPolicy: &always, Resources: v1.ResourceRequirements{Requests: list(t.between(10, 500))}},
			}
		}
		if levels && !t.oneIn(4) {
			pod.Spec.Resources = &v1.ResourceRequirements{Requests: list(request * 2)}
		}
		pods = append(pods, pod)
	}
	return pods
}

// values of pods around a level, so that ratios come close to their edges.
func (t *tape) values(pods []*v1.Pod, level int64) metricsclient.PodMetricsInfo {
	metrics := metricsclient.PodMetricsInfo{}
	level = max(0, level)
	spread := pick(t, int64(0), 0, 1, level/10, level)
	one := func(name string) {
		metrics[name] = metricsclient.PodMetric{
			Timestamp: t.ago(pick(t, int64(60), 60, 60, 400)),
			Window:    time.Duration(pick(t, int64(60), 60, 30, 15, 0)) * time.Second,
			Value:     max(0, level+t.between(-spread, spread)),
		}
	}
	holes := t.oneIn(3)
	for _, pod := range pods {
		if !holes || !t.oneIn(4) {
			one(pod.Name)
		}
	}
	if t.oneIn(12) {
		one("gone-1")
	}
	return metrics
}

// near is a number around one that a target times a ratio gives.
func (t *tape) near(target int64) int64 {
	percent := pick(t, t.between(0, 300), 90, 110, 100, 89, 91, 109, 111, t.between(0, 2000))
	return target*percent/100 + t.between(-1, 1)
}

func (t *tape) rules(up bool) *autoscalingv2.HPAScalingRules {
	if t.oneIn(5) {
		return nil
	}
	rules := &autoscalingv2.HPAScalingRules{}
	if !t.oneIn(3) {
		n := pick(t, int32(0), 15, 60, 300, t.number(0, 3600))
		rules.StabilizationWindowSeconds = &n
	}
	if !t.oneIn(2) {
		choice := pick(t, autoscalingv2.MaxChangePolicySelect, autoscalingv2.MinChangePolicySelect, autoscalingv2.DisabledPolicySelect)
		rules.SelectPolicy = &choice
	}
	for i := t.between(0, 3); i > 0; i-- {
		kind := pick(t, autoscalingv2.PodsScalingPolicy, autoscalingv2.PercentScalingPolicy)
		value := pick(t, t.number(1, 10), t.number(1, 200), 100)
		rules.Policies = append(rules.Policies, autoscalingv2.HPAScalingPolicy{Type: kind, Value: value, PeriodSeconds: pick(t, int32(15), 60, t.number(1, 1800))})
	}
	if t.oneIn(3) {
		q := resource.MustParse(pick(t, "0.1", "0", "50m", "0.07", "70m", "0.15", "1", "333u", "0.2"))
		rules.Tolerance = &q
	}
	if up {
		return apiautoscalingv2.GenerateHPAScaleUpRules(rules)
	}
	return apiautoscalingv2.GenerateHPAScaleDownRules(rules)
}

func (t *tape) behavior() *autoscalingv2.HorizontalPodAutoscalerBehavior {
	b := &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: t.rules(true), ScaleDown: t.rules(false)}
	// As a quantity is after it has been stored once.
	for _, rules := range []*autoscalingv2.HPAScalingRules{b.ScaleUp, b.ScaleDown} {
		if rules != nil && rules.Tolerance != nil {
			q := resource.MustParse(rules.Tolerance.String())
			rules.Tolerance = &q
		}
	}
	if b.ScaleUp == nil {
		b.ScaleUp = apiautoscalingv2.GenerateHPAScaleUpRules(nil)
	}
	if b.ScaleDown == nil {
		b.ScaleDown = apiautoscalingv2.GenerateHPAScaleDownRules(nil)
	}
	return b
}

func (t *tape) events() []timestampedScaleEvent {
	var events []timestampedScaleEvent
	for i := t.between(0, 6); i > 0; i-- {
		events = append(events, timestampedScaleEvent{t.number(1, 30), t.ago(pick(t, int64(20), 70, 2000)), t.oneIn(8)})
	}
	return events
}

func (t *tape) recommendations() []timestampedRecommendation {
	var list []timestampedRecommendation
	for i := t.between(0, 8); i > 0; i-- {
		list = append(list, timestampedRecommendation{t.number(0, 60), t.ago(pick(t, int64(20), 310, 4000))})
	}
	return list
}

// series of an external metric. Large ones only where upstream saturates.
func (t *tape) series(about int64, large bool) []int64 {
	n := t.between(1, 4)
	list := make([]int64, 0, n)
	for ; n > 0; n-- {
		list = append(list, about/n)
		about -= about / n
	}
	if large && t.oneIn(20) {
		list = append(list, pick(t, int64(math.MaxInt64), math.MaxInt64/2, math.MaxInt64-about))
	}
	if t.oneIn(40) {
		list = append(list, -t.between(1, 5000))
	}
	return list
}
