package podautoscaler

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"

	kedav1alpha1 "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"github.com/kedacore/keda/v2/pkg/scalers"
	"github.com/kedacore/keda/v2/pkg/scaling/executor"
)

// The simulator's contenders that are an HPA, from the start of a run to its end. Here a load, pods
// that take their time to start and a metric that comes late are made anew, in whole seconds, and
// upstream's own controller decides, and beside it KEDA's executor; sim-oracle says what the simulator's count was.

// A run is the question; see README.md.
type run struct {
	Contender string  `json:"contender"`
	Tuning    object  `json:"tuning"`
	EqualLag  bool    `json:"equal_lag"`
	Min       int64   `json:"min"`
	Max       int64   `json:"max"`
	Per       int64   `json:"per_replica"`
	StartUp   int64   `json:"start_up_seconds"`
	Cooldown  int64   `json:"cooldown_seconds"`
	Loads     []int64 `json:"loads"`

	target    int64
	tolerance float64
	behavior  *autoscalingv2.HorizontalPodAutoscalerBehavior
}

// A pipeline is how a metric gets to the controller, in seconds.
type pipeline struct{ window, delay, period int64 }

func (r *run) pipeline() pipeline {
	switch {
	case r.EqualLag:
		return pipeline{10, 1, 5}
	case r.Contender == "keda":
		return pipeline{60, 8, 15}
	default:
		return pipeline{15, 15, 15}
	}
}

func (t *tape) run() *run {
	r := &run{
		Contender: pick(t, "hpa", "keda"),
		EqualLag:  t.oneIn(4),
		Min:       pick(t, int64(1), 1, 2, t.between(1, 8)),
		Per:       pick(t, int64(100), 7, 53, t.between(1, 1000)),
		StartUp:   pick(t, int64(60), 20, 180, 0, t.between(0, 400)),
		target:    pick(t, int64(70), 70, 50, 90, t.between(1, 120)),
		tolerance: pick(t, 0.1, 0.1, 0, 0.05, 0.3),
	}
	r.Cooldown = pick(t, int64(300), 300, 30, t.between(0, 400))
	if r.Contender == "keda" && t.oneIn(3) {
		r.Min = 0
	}
	r.Max = r.Min + pick(t, t.between(1, 60), t.between(1, 60), t.between(1, 10))
	if t.oneIn(2) {
		r.behavior = t.behavior()
	}
	r.Tuning = object{"target_percent": r.target, "tolerance": wireFloat(r.tolerance), "behavior": wireBehavior(r.behavior)}
	seconds := r.pipeline().period * t.between(1, 120)
	// Mostly within what the most replicas serve at the target, now and then beyond.
	most := pick(t, r.Per*r.Max/2, r.Per*r.Max*4/5, r.Per*(r.Max+5))
	level := t.between(0, pick(t, most/10, most))
	for len(r.Loads) < int(seconds) {
		// A piece: level, ramp or noise.
		length, from := t.between(1, pick(t, int64(30), 90, 400)), level
		switch t.below(8) {
		case 7:
			level = 0
		case 6, 5, 4:
			level = t.between(0, most)
		case 3, 2:
			level = min(most, level*t.between(1, 30)/10)
		}
		ramp, noise := t.oneIn(3), level/pick(t, int64(1<<40), 1<<40, 20, 3)
		for i := int64(0); i < length && len(r.Loads) < int(seconds); i++ {
			load := level
			if ramp {
				load = from + (level-from)*i/length
			}
			if noise > 0 {
				load = max(0, load+t.between(-noise, noise))
			}
			r.Loads = append(r.Loads, load)
		}
	}
	return r
}

// A replica has its node as soon as it is made.
type replica struct{ id, made, ready int64 }

// A life is a run of upstream's.
type life struct {
	*run
	replicas []replica
	made     int64
	// Ready replicas of each second that is over, and of those before the run.
	ready  []int64
	before int64
	// A metric came to lie between two thousandths, where floats differ in their last bit.
	doubtful bool
}

// before the run everything stood as at its start, for a day.
const dayBefore = -86_400

func (l *life) scale(to, now int64) {
	l.replicas = l.replicas[:min(int64(len(l.replicas)), to)]
	for int64(len(l.replicas)) < to {
		l.replicas = append(l.replicas, replica{l.made, now, now + l.StartUp})
		l.made++
	}
}

// pass goes on to a second, and notes who was Ready meanwhile.
func (l *life) pass(to int64) {
	for now := int64(len(l.ready)); now < to; now++ {
		n := int64(0)
		for _, r := range l.replicas {
			if r.ready <= now {
				n++
			}
		}
		l.ready = append(l.ready, n)
	}
}

func (l *life) load(second int64) int64 {
	return l.Loads[max(0, second)]
}

// milli is the nearest thousandth.
func (l *life) milli(x float64) int64 {
	x *= 1000
	if math.Abs(x-math.Floor(x)-0.5) < 1e-6 {
		l.doubtful = true
	}
	return int64(math.Round(x))
}

// used is the share of what it can do that one replica did from since to the end of a window.
func (l *life) used(since, to, window int64) float64 {
	sum := 0.0
	for second := since; second < to; second++ {
		n := l.before
		if second >= 0 {
			n = l.ready[second]
		}
		if n > 0 {
			sum += min(float64(l.load(second))/float64(n), float64(l.Per))
		}
	}
	return sum / float64(l.Per*window)
}

// rate is what a query finds, in requests a second.
func (l *life) rate(now int64) float64 {
	p, sum := l.pipeline(), int64(0)
	for second := now - p.delay - p.window; second < now-p.delay; second++ {
		sum += l.load(second)
	}
	return float64(sum) / float64(p.window)
}

// read is what the controller is shown.
func (l *life) read(now int64, at func(int64) time.Time) fixed {
	p := l.pipeline()
	to := now - p.delay
	from := to - p.window
	if l.Contender == "keda" {
		rate := l.rate(now)
		l.milli(rate) // whether it is doubtful
		metric := scalers.GenerateMetricInMili("requests", rate)
		return fixed{external: []int64{metric.Value.MilliValue()}}
	}
	f := fixed{values: metricsclient.PodMetricsInfo{}}
	for _, r := range l.replicas {
		name := fmt.Sprintf("%012d", r.id)
		pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns"}}
		pod.Status.Phase = v1.PodRunning
		pod.Status.StartTime = &metav1.Time{Time: at(r.made)}
		ready := v1.PodCondition{Type: v1.PodReady, Status: v1.ConditionFalse, LastTransitionTime: metav1.Time{Time: at(r.made)}}
		if r.ready <= now {
			ready.Status, ready.LastTransitionTime = v1.ConditionTrue, metav1.Time{Time: at(r.ready)}
		}
		pod.Status.Conditions = []v1.PodCondition{ready}
		cpu := v1.ResourceList{v1.ResourceCPU: resource.MustParse("1")}
		pod.Spec.Containers = []v1.Container{{Name: "app", Resources: v1.ResourceRequirements{Requests: cpu}}}
		f.pods = append(f.pods, pod)
		// Who has not run for all of the window has no figure yet.
		if r.made <= from {
			since := min(max(r.ready, from), to)
			f.values[name] = metricsclient.PodMetric{Timestamp: at(to), Window: time.Duration(p.window) * time.Second, Value: l.milli(l.used(since, to, p.window))}
		}
	}
	return f
}

// scaledObject is one with what is set in a run, made as it begins.
func (r *run) scaledObject(made time.Time) *kedav1alpha1.ScaledObject {
	least, cooldown := int32(r.Min), int32(r.Cooldown)
	so := &kedav1alpha1.ScaledObject{}
	so.CreationTimestamp = metav1.Time{Time: made}
	so.Spec.ScaleTargetRef = &kedav1alpha1.ScaleTarget{Name: "d"}
	so.Spec.MinReplicaCount, so.Spec.CooldownPeriod = &least, &cooldown
	return so
}

// pollEvery is how often KEDA asks by itself, in seconds.
func (r *run) pollEvery() int64 {
	if r.EqualLag {
		return r.pipeline().period
	}
	return 30
}

func (r *run) hpa() *autoscalingv2.HorizontalPodAutoscaler {
	least := int32(max(r.Min, 1))
	if r.Contender == "keda" {
		least = *r.scaledObject(theNow).GetHPAMinReplicas()
	}
	spec := autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
		Metric: autoscalingv2.MetricIdentifier{Name: "requests"},
		Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: milli(r.Per * r.target * 10)},
	}}
	if r.Contender == "hpa" {
		percent := int32(r.target)
		spec = autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: v1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent},
		}}
	}
	return &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "hpa", Namespace: "ns"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "d"},
			MinReplicas:    &least, MaxReplicas: int32(r.Max), Metrics: []autoscalingv2.MetricSpec{spec}, Behavior: r.behavior,
		},
	}
}

// live is the run by upstream: the count after each decision, as far as none is doubtful.
func (r *run) live() []int64 {
	start := theNow
	defer func() { theNow = start }()
	at := func(second int64) time.Time { return start.Add(time.Duration(second) * time.Second) }
	// Everybody starts with what carries the first load at 70 %.
	begin := int64(math.Ceil(float64(r.Loads[0]) / (float64(r.Per) * 0.7)))
	begin = min(max(begin, r.Min), r.Max)
	l := &life{run: r, before: begin}
	l.scale(begin, dayBefore)
	hpa := r.hpa()
	api := &smallAPI{scale: &autoscalingv1.Scale{Status: autoscalingv1.ScaleStatus{Selector: "a=b"}}}
	a := smallController(api)
	a.tolerance = r.tolerance
	so, keda := r.scaledObject(start), executor.New(smallScales{api: api})
	executor.Now = func() time.Time { return theNow }
	var counts []int64
	for now := int64(0); now < int64(len(r.Loads)); now += r.pipeline().period {
		l.pass(now)
		theNow = at(now)
		f := l.read(now, at)
		if l.doubtful {
			break
		}
		a.podLister = f
		a.replicaCalc = NewReplicaCalculator(f, f, 5*time.Minute, 30*time.Second)
		api.scale.Spec.Replicas, api.scale.Status.Replicas = int32(len(l.replicas)), int32(len(l.replicas))
		_ = a.upstreamReconcileAutoscaler(quiet, hpa, "ns/hpa") // what it cannot decide stays as it is
		if api.status != nil {
			hpa.Status = *api.status
		}
		if r.Contender == "keda" && now%r.pollEvery() == 0 {
			said := keda.RequestScale(quiet, so, l.rate(now) > 0, false, executor.ScaleExecutorOptions{})
			if said.LastActiveTime != nil {
				so.Status.LastActiveTime = said.LastActiveTime
			}
		}
		l.scale(int64(api.scale.Spec.Replicas), now)
		counts = append(counts, int64(len(l.replicas)))
	}
	return counts
}

// compared are both sides' counts, as far as upstream's go.
func (r *run) compared() (upstream, ours []int64) {
	upstream = r.live()
	if err := ask(r, &ours); err != nil {
		panic(fmt.Sprintf("refused: %v", err))
	}
	return upstream, ours[:min(len(ours), len(upstream))]
}

// TestContenders puts random runs to both. PINISI_ORACLE is sim-oracle.
func TestContenders(t *testing.T) {
	if os.Getenv("PINISI_CONFORMANCE_CASES") == "" {
		t.Skip("not asked for: PINISI_CONFORMANCE_CASES")
	}
	cases, seed := setting(t, "PINISI_CONFORMANCE_CASES"), setting(t, "PINISI_CONFORMANCE_SEED")
	shimMode = modeUpstream
	scaleUpLimitFactor = 2
	shimNow = func() time.Time { return theNow }
	defer func() { shimNow = time.Now }()
	begun := time.Now()
	syncs, all, ups, downs, emptied := 0, 0, 0, 0, 0
	for number := range cases {
		tape := recordTape(seed, number)
		r := tape.run()
		upstream, ours := r.compared()
		if !slices.Equal(upstream, ours) {
			cells := shrink(tape.cells, func(cells []uint64) bool {
				u, o := play(cells).run().compared()
				return !slices.Equal(u, o)
			})
			r = play(cells).run()
			upstream, ours = r.compared()
			text, _ := json.Marshal(r)
			t.Fatalf("run %d of seed %d\nasked    %s\nupstream %v\nours     %v", number, seed, text, upstream, ours)
		}
		syncs += len(upstream)
		for i := 1; i < len(upstream); i++ {
			switch {
			case upstream[i] > upstream[i-1]:
				ups++
			case upstream[i] < upstream[i-1]:
				downs++
				if upstream[i] == 0 {
					emptied++
				}
			}
		}
		all += (len(r.Loads) + int(r.pipeline().period) - 1) / int(r.pipeline().period)
	}
	report := object{"of": "contenders", "seed": seed, "cases": cases, "seconds": time.Since(begun).Seconds(), "syncs": syncs, "of_syncs": all, "ups": ups, "downs": downs, "emptied": emptied}
	text, _ := json.Marshal(report)
	fmt.Printf("differential %s\n", text)
	if cases > 1000 && (syncs < all*9/10 || uint64(ups) < cases || uint64(downs) < cases/2 || uint64(emptied) < cases/50) {
		t.Errorf("too many runs are cut short or change nothing: the cases are not worth much")
	}
}
