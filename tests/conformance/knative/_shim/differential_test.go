package knative

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric/noop"
	"go.uber.org/zap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/serving/pkg/apis/autoscaling"
	"knative.dev/serving/pkg/apis/autoscaling/v1alpha1"
	"knative.dev/serving/pkg/autoscaler/config"
	"knative.dev/serving/pkg/autoscaler/metrics"
	"knative.dev/serving/pkg/autoscaler/scaling"
	kparesources "knative.dev/serving/pkg/reconciler/autoscaling/kpa/resources"
	"knative.dev/serving/pkg/reconciler/autoscaling/resources"
)

// TestDifferential puts random cases to upstream and to kpa-oracle, and compares each tick of an
// autoscaler and each reconcile of a revision. Its clock is a bubble's.
func TestDifferential(t *testing.T) {
	cases, seed := setting(t, "PINISI_CONFORMANCE_CASES"), setting(t, "PINISI_CONFORMANCE_SEED")
	theOracle() // a process is not started in a bubble
	begun := time.Now()
	var c counts
	synctest.Test(t, func(t *testing.T) {
		for number := range cases {
			compare(t, seed, number, &c, runCase)
			compare(t, seed, number, &c, reconcileCase)
		}
	})
	report := object{
		"of": "knative", "seed": seed, "cases": cases, "seconds": time.Since(begun).Seconds(),
		"ticks": c.ticks, "decided": c.decided, "above_stable": c.above, "reconciles": c.reconciles, "emptied": c.emptied,
	}
	text, _ := json.Marshal(report)
	fmt.Printf("differential %s\n", text)
	if cases > 1000 && (c.decided < c.ticks/2 || c.above < c.ticks/20 || uint64(c.emptied) < cases/20) {
		t.Errorf("too few ticks are decided or above the stable window, or too few revisions come to 0: the cases are not worth much")
	}
}

// compare puts one case to both, and shrinks it where they differ.
func compare[R comparable](t *testing.T, seed, number uint64, c *counts, run func(*tape, *counts) (question object, upstream, ours []R)) {
	tape := recordTape(seed, number)
	if _, upstream, ours := run(tape, c); slices.Equal(upstream, ours) {
		return
	}
	cells := shrink(tape.cells, func(cells []uint64) bool {
		_, u, o := run(play(cells), &counts{})
		return !slices.Equal(u, o)
	})
	question, u, o := run(play(cells), &counts{})
	text, _ := json.Marshal(question)
	for i := range min(len(u), len(o)) {
		if u[i] != o[i] {
			t.Fatalf("case %d of seed %d\nasked    %s\nanswer   %d\nupstream %+v\nours     %+v", number, seed, text, i, u[i], o[i])
		}
	}
	t.Fatalf("case %d of seed %d\nasked %s\nupstream answers %d times, ours %d times", number, seed, text, len(u), len(o))
}

// counts say what the cases were worth.
type counts struct {
	ticks, decided int
	// More wanted than the stable window asks for: by panic, delay, rate or activation.
	above int
	// Reconciles, and how often one took the last pod.
	reconciles, emptied int
}

// A result is what one tick comes to.
type result struct {
	Decided bool    `json:"-"`
	Desired int32   `json:"desired"`
	Excess  int32   `json:"excess_burst"`
	Stable  float64 `json:"stable"`
	Panic   float64 `json:"panic"`
}

// runCase is one life of an autoscaler: the question, and what upstream and ours say.
func runCase(t *tape, c *counts) (question object, upstream, ours []result) {
	settings := t.settings()
	start := time.Now() // of the bubble; upstream's New reads it, and nothing here waits
	ready := pick(t, int64(0), 1, 2, t.between(0, 50))
	steps := t.steps(start, ready, settings)

	wire := make([]object, 0, len(steps))
	for _, s := range steps {
		wire = append(wire, s.wire())
	}
	question = object{"op": "run", "settings": settings, "ready": ready, "now": when(start), "steps": wire}
	var said []*result
	if err := ask(question, &said); err != nil {
		panic(fmt.Sprintf("refused: %v", err))
	}
	for _, r := range said {
		if r == nil {
			ours = append(ours, result{})
			continue
		}
		r.Decided = true
		ours = append(ours, *r)
	}
	upstream = live(settings, pick(t, autoscaling.RPS, autoscaling.Concurrency, ""), ready, steps)
	target := fromMilli(or(settings.Total, 100_000)) * fromMilli(or(settings.TargetPercent, 70_000)) / 100
	for _, r := range upstream {
		c.ticks++
		if r.Decided {
			c.decided++
			if float64(r.Desired) > r.Stable/target+1 {
				c.above++
			}
		}
	}
	return question, upstream, ours
}

// live is upstream: its collector and its autoscaler, made as its reconciler makes them.
func live(s wireSettings, measure string, ready int64, steps []step) []result {
	settings := config.Default()
	settings.MaxScaleUpRate = fromMilli(or(s.UpRate, 1_000_000))
	settings.MaxScaleDownRate = fromMilli(or(s.DownRate, 2_000))
	// Both metrics have one default here, as ours has.
	settings.RPSTargetDefault = settings.ContainerConcurrencyTargetDefault
	pa := podAutoscaler(s, measure)
	spec := kparesources.MakeDecider(pa, settings).Spec
	// All of it through the activator: nothing is scraped, as in resolveScrapeTarget.
	target := "service"
	if spec.TargetBurstCapacity == -1 {
		target = ""
	}
	metric := resources.MakeMetric(pa, target, settings)

	collector := metrics.NewMetricCollector(func(*v1alpha1.Metric, *zap.SugaredLogger) (metrics.StatsScraper, error) {
		return nil, nil // what is scraped comes by Record
	}, zap.NewNop().Sugar())
	if err := collector.CreateOrUpdate(metric); err != nil {
		panic(err)
	}
	defer collector.Delete(metric.Namespace, metric.Name)
	pods := &podCount{int(ready)}
	seen := &watched{MetricClient: collector}
	scaler := scaling.New(attribute.NewSet(), noop.NewMeterProvider(), metric.Namespace, metric.Name, seen, pods, &spec)

	key := types.NamespacedName{Namespace: metric.Namespace, Name: metric.Name}
	var results []result
	for _, step := range steps {
		if !step.tick {
			collector.Record(key, step.at, statOf(fromMilli(step.load)))
			continue
		}
		pods.ready = int(step.ready)
		r := result{}
		if said := scaler.Scale(zap.NewNop().Sugar(), step.at); said.ScaleValid {
			r = result{true, said.DesiredPodCount, said.ExcessBurstCapacity, seen.stable, seen.panicked}
		}
		results = append(results, r)
	}
	return results
}

// statOf is a scrape; less than nothing is what the activator has counted already.
func statOf(load float64) metrics.Stat {
	if load < 0 {
		return metrics.Stat{AverageProxiedConcurrentRequests: -load, ProxiedRequestCount: -load}
	}
	return metrics.Stat{AverageConcurrentRequests: load, RequestCount: load}
}

func podAutoscaler(s wireSettings, measure string) *v1alpha1.PodAutoscaler {
	annotations := map[string]string{}
	set := func(name, value string, n *int64) {
		if n != nil {
			annotations[name] = value
		}
	}
	set(autoscaling.TargetAnnotationKey, decimal(or(s.Total, 0)), s.Total)
	set(autoscaling.TargetUtilizationPercentageKey, decimal(or(s.TargetPercent, 0)), s.TargetPercent)
	set(autoscaling.WindowAnnotationKey, seconds(s.StableWindow), s.StableWindow)
	set(autoscaling.PanicWindowPercentageAnnotationKey, decimal(or(s.PanicWindow, 0)), s.PanicWindow)
	set(autoscaling.PanicThresholdPercentageAnnotationKey, decimal(or(s.PanicThreshold, 0)), s.PanicThreshold)
	set(autoscaling.TargetBurstCapacityKey, decimal(or(s.Burst, 0)), s.Burst)
	set(autoscaling.ScaleDownDelayAnnotationKey, seconds(s.Delay), s.Delay)
	set(autoscaling.ActivationScaleKey, strconv.FormatInt(or(s.Activation, 1), 10), s.Activation)
	if measure != "" {
		annotations[autoscaling.MetricAnnotationKey] = measure
	}
	return &v1alpha1.PodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "revision", Annotations: annotations}}
}

func seconds(n *int64) string { return strconv.FormatInt(or(n, 0), 10) + "s" }

// podCount says how many pods are ready.
type podCount struct{ ready int }

func (p *podCount) ReadyCount() (int, error)    { return p.ready, nil }
func (p *podCount) NotReadyCount() (int, error) { return 0, nil }

// watched remembers what the autoscaler was told last.
type watched struct {
	metrics.MetricClient
	stable, panicked float64
}

func (w *watched) StableAndPanicConcurrency(key types.NamespacedName, now time.Time) (float64, float64, error) {
	var err error
	w.stable, w.panicked, err = w.MetricClient.StableAndPanicConcurrency(key, now)
	return w.stable, w.panicked, err
}

func (w *watched) StableAndPanicRPS(key types.NamespacedName, now time.Time) (float64, float64, error) {
	var err error
	w.stable, w.panicked, err = w.MetricClient.StableAndPanicRPS(key, now)
	return w.stable, w.panicked, err
}

func setting(t *testing.T, name string) uint64 {
	n, err := strconv.ParseUint(os.Getenv(name), 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
