package knative

import (
	"strconv"
	"time"
)

// Random settings and lives of one autoscaler. Where a cast to int32 would overflow, which is where
// ours saturates, no case goes; all other edges are chosen often.

type object = map[string]any

// wireSettings are those of kpa-oracle; see README.md. Numbers with a fraction are in thousandths.
type wireSettings struct {
	Total          *int64 `json:"total,omitempty"`
	TargetPercent  *int64 `json:"target_percent,omitempty"`
	StableWindow   *int64 `json:"stable_window_seconds,omitempty"`
	PanicWindow    *int64 `json:"panic_window_percent,omitempty"`
	PanicThreshold *int64 `json:"panic_threshold_percent,omitempty"`
	UpRate         *int64 `json:"max_scale_up_rate,omitempty"`
	DownRate       *int64 `json:"max_scale_down_rate,omitempty"`
	Burst          *int64 `json:"target_burst_capacity,omitempty"`
	Delay          *int64 `json:"scale_down_delay_seconds,omitempty"`
	Activation     *int64 `json:"activation_scale,omitempty"`
}

func or(n *int64, otherwise int64) int64 {
	if n == nil {
		return otherwise
	}
	return *n
}

// fromMilli is the number that so many thousandths are, the same on both sides.
func fromMilli(n int64) float64 { return float64(n) / 1000 }

func decimal(n int64) string { return strconv.FormatFloat(fromMilli(n), 'f', -1, 64) }

func (t *tape) settings() wireSettings {
	some := func(list ...int64) *int64 {
		if t.oneIn(3) {
			return nil
		}
		n := pick(t, list...)
		return &n
	}
	return wireSettings{
		Total:          some(100_000, 1_000, 10_000, 10, t.between(10, 1_000_000)),
		TargetPercent:  some(70_000, 100_000, t.between(1_000, 100_000)),
		StableWindow:   some(60, 6, t.between(6, 120), t.between(6, 20), 3600),
		PanicWindow:    some(10_000, 1_000, 100_000, t.between(1_000, 100_000)),
		PanicThreshold: some(200_000, 110_000, t.between(110_000, 1_000_000)),
		UpRate:         some(1_000_000, 1_001, 2_000, t.between(1_001, 10_000)),
		DownRate:       some(2_000, 1_001, t.between(1_001, 10_000), 1_000_000),
		Burst:          some(211_000, 0, -1_000, t.between(0, 1_000_000)),
		Delay:          some(0, 1, 2, 3, 60, t.between(1, 120)),
		Activation:     some(1, 2, t.between(2, 20)),
	}
}

// A step is a scrape or a tick.
type step struct {
	at    time.Time
	tick  bool
	load  int64
	ready int64
}

func (s step) wire() object {
	if s.tick {
		return object{"Scale": object{"now": when(s.at), "ready": s.ready}}
	}
	return object{"Record": object{"at": when(s.at), "load": s.load}}
}

func when(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// loadMax is the most load that a scrape finds, in thousandths.
const loadMax = 1_000_000_000

// steps are scrapes each second and ticks each two, as a rule: some come late, twice or not at all.
func (t *tape) steps(start time.Time, ready int64, s wireSettings) []step {
	window := or(s.StableWindow, 60)
	now := start.Add(time.Duration(t.between(0, 3_000)) * time.Millisecond)
	level := pick(t, int64(0), t.between(0, 100_000), t.between(0, 10_000_000))
	var steps []step
	for n := t.between(1, 150); n > 0; n-- {
		switch t.below(40) {
		case 39:
			level = 0
		case 38:
			level = t.between(0, pick(t, int64(1_000), 1_000_000, loadMax))
		case 37, 36, 35:
			level = min(loadMax, level*t.between(1, 40)/10)
		}
		noise := level / pick(t, int64(1_000_000_000), 100, 10, 2)
		load := level + t.between(-noise, noise)
		if t.oneIn(60) {
			load = -load
		}
		if !t.oneIn(20) {
			steps = append(steps, step{at: now, load: load})
		}
		if t.oneIn(30) {
			late := pick(t, t.between(0, 5), t.between(0, window+2))
			steps = append(steps, step{at: now.Add(-time.Duration(late) * time.Second), load: load})
		}
		if t.oneIn(2) {
			// What there is in the end follows what the load asks for, at random.
			switch t.below(8) {
			case 7:
				ready = t.between(0, 60)
			case 6:
				ready = min(100_000, ready*2+t.between(0, 2))
			case 5:
				ready /= 2
			case 4, 3:
				ready = min(100_000, load*1000/max(1, or(s.Total, 100_000)*or(s.TargetPercent, 70_000)/100)+1)
			}
			ready = max(0, ready)
			steps = append(steps, step{at: now, tick: true, ready: ready})
		}
		ahead := time.Second
		switch t.below(30) {
		case 29:
			ahead = time.Duration(pick(t, window, window-1, window+1, t.between(1, 2*window))) * time.Second
		case 28, 27, 26, 25:
			ahead = time.Duration(t.between(0, 2_000_000_000))
		}
		now = now.Add(ahead)
	}
	return steps
}
