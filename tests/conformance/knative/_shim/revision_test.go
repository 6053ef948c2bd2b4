package knative

import (
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/serving/pkg/apis/autoscaling"
	"knative.dev/serving/pkg/apis/autoscaling/v1alpha1"
	"knative.dev/serving/pkg/autoscaler/config"
	reconfig "knative.dev/serving/pkg/reconciler/autoscaling/config"
	"knative.dev/serving/pkg/reconciler/autoscaling/kpa"
)

// Random revisions: bounds, periods, and what the autoscaler wants of them from reconcile to
// reconcile. Here the bubble's clock goes on, as upstream reads it.

// A reconcile is what one finds, so much after the last.
type reconcile struct {
	ahead         time.Duration
	desired       int64 // -1 before the first decision
	excess, ready int64
}

// A count is what one reconcile comes to.
type count struct {
	Replicas int32
	Active   string
}

type revision struct {
	window, grace, retention, min, max *int64
	keep                               bool
	steps                              []reconcile
}

func (t *tape) revision() revision {
	some := func(list ...int64) *int64 {
		if t.oneIn(3) {
			return nil
		}
		n := pick(t, list...)
		return &n
	}
	r := revision{
		window:    some(60, 6, t.between(6, 60)),
		grace:     some(30, 1, t.between(1, 90)),
		retention: some(0, t.between(0, 90)),
		min:       some(0, 1, t.between(0, 5)),
		keep:      t.oneIn(8),
	}
	r.max = some(0, or(r.min, 0)+1, t.between(or(r.min, 0)+1, 20))
	periods := []int64{or(r.window, 60), or(r.grace, 30), or(r.retention, 0)}
	desired, excess := int64(-1), int64(0)
	for n := t.between(1, 60); n > 0; n-- {
		switch t.below(12) {
		case 11:
			desired = t.between(0, 30)
		case 10, 9, 8:
			desired = 0
		case 7:
			desired = 1
		case 6:
			excess = t.between(-1, 1)
		}
		step := reconcile{ahead: 2 * time.Second, desired: desired, excess: excess, ready: t.between(0, 3)}
		switch t.below(8) {
		case 7:
			step.ready = t.between(0, 20)
		case 6:
			step.ahead = time.Duration(pick(t, periods...)) * time.Second
		case 5:
			step.ahead = time.Duration(t.between(0, 20_000_000_000))
		}
		r.steps = append(r.steps, step)
	}
	return r
}

// reconcileCase is one revision: the question, and what upstream and ours say.
func reconcileCase(t *tape, c *counts) (question object, upstream, ours []count) {
	r := t.revision()
	settings := object{"enable_scale_to_zero": !r.keep}
	for name, n := range map[string]*int64{
		"stable_window_seconds":       r.window,
		"scale_to_zero_grace_seconds": r.grace,
		"pod_retention_seconds":       r.retention,
	} {
		if n != nil {
			settings[name] = *n
		}
	}
	now := time.Now()
	question = object{"op": "revision", "settings": settings, "min": or(r.min, 0), "max": or(r.max, 0), "now": when(now)}
	wire := make([]object, 0, len(r.steps))
	for _, step := range r.steps {
		now = now.Add(step.ahead)
		var scaled any
		if step.desired >= 0 {
			scaled = []int64{step.desired, step.excess}
		}
		wire = append(wire, object{"now": when(now), "scaled": scaled, "ready": step.ready})
	}
	question["steps"] = wire
	var said []struct {
		Written *int32 `json:"written"`
		Active  string `json:"active"`
	}
	if err := ask(question, &said); err != nil {
		panic(fmt.Sprintf("refused: %v", err))
	}
	replicas := int32(1)
	for _, s := range said {
		if s.Written != nil {
			replicas = *s.Written
		}
		ours = append(ours, count{replicas, s.Active})
	}
	upstream = reconciled(r)
	for i, u := range upstream {
		c.reconciles++
		if u.Replicas == 0 && i > 0 && upstream[i-1].Replicas > 0 {
			c.emptied++
		}
	}
	return question, upstream, ours
}

// reconciled is upstream.
func reconciled(r revision) []count {
	annotations := map[string]string{}
	set := func(name, value string, n *int64) {
		if n != nil {
			annotations[name] = value
		}
	}
	set(autoscaling.WindowAnnotationKey, seconds(r.window), r.window)
	set(autoscaling.ScaleToZeroPodRetentionPeriodKey, seconds(r.retention), r.retention)
	set(autoscaling.MinScaleAnnotationKey, strconv.FormatInt(or(r.min, 0), 10), r.min)
	set(autoscaling.MaxScaleAnnotationKey, strconv.FormatInt(or(r.max, 0), 10), r.max)
	settings := config.Default()
	settings.EnableScaleToZero = !r.keep
	if r.grace != nil {
		settings.ScaleToZeroGracePeriod = time.Duration(*r.grace) * time.Second
	}
	// No activation is given up.
	all := &reconfig.Config{Autoscaler: settings, Deployment: &reconfig.Deployment{ProgressDeadline: 24 * time.Hour}}
	live := kpa.NewRevision(&v1alpha1.PodAutoscaler{ObjectMeta: metav1.ObjectMeta{Annotations: annotations}})
	live.Replicas = 1
	var counts []count
	for _, step := range r.steps {
		time.Sleep(step.ahead)
		if err := live.Reconcile(all, int32(step.desired), int32(step.excess), int32(step.ready)); err != nil {
			panic(err)
		}
		active := string(corev1.ConditionUnknown)
		if c := live.PA.Status.GetCondition(v1alpha1.PodAutoscalerConditionActive); c != nil {
			active = string(c.Status)
		}
		counts = append(counts, count{live.Replicas, active})
	}
	return counts
}
