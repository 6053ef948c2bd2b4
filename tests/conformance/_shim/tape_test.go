package podautoscaler

import (
	"math/rand/v2"
)

// A tape is what chance chose for one case, in order. Played again it gives the same case; played
// shorter or with smaller numbers it gives a simpler one, which is how failures are shrunk.
type tape struct {
	cells   []uint64
	at      int
	chance  *rand.Rand
	playing bool
}

func recordTape(seed, number uint64) *tape {
	return &tape{chance: rand.New(rand.NewPCG(seed, number))}
}

func play(cells []uint64) *tape { return &tape{cells: cells, playing: true} }

// below is a number from 0 to n-1; past the end of a tape that is played, 0.
func (t *tape) below(n int64) int64 {
	if !t.playing {
		t.cells = append(t.cells, t.chance.Uint64N(uint64(n)))
	}
	if t.at >= len(t.cells) {
		return 0
	}
	t.at++
	return int64(t.cells[t.at-1] % uint64(n))
}

func (t *tape) between(low, high int64) int64 { return low + t.below(high-low+1) }

func (t *tape) number(low, high int32) int32 { return int32(t.between(int64(low), int64(high))) }

// oneIn is true once in n times, and never at the end of a tape.
func (t *tape) oneIn(n int64) bool { return t.below(n) == n-1 }

func pick[T any](t *tape, list ...T) T { return list[t.below(int64(len(list)))] }

// shrink makes a failing tape as simple as it gets: parts left out, numbers made smaller.
func shrink(cells []uint64, fails func([]uint64) bool) []uint64 {
	const triesMax = 2000
	tries := 0
	try := func(candidate []uint64) bool {
		tries++
		if tries > triesMax || !fails(candidate) {
			return false
		}
		cells = candidate
		return true
	}
	for better := true; better && tries <= triesMax; {
		better = false
		for size := len(cells) / 2; size > 0; size /= 2 {
			for at := 0; at+size <= len(cells); {
				if try(append(append([]uint64{}, cells[:at]...), cells[at+size:]...)) {
					better = true
				} else {
					at += size
				}
			}
		}
		for i := 0; i < len(cells); i++ {
			for _, smaller := range []uint64{0, cells[i] / 2, cells[i] - 1} {
				if i < len(cells) && smaller < cells[i] {
					candidate := append([]uint64{}, cells...)
					candidate[i] = smaller
					better = try(candidate) || better
				}
			}
		}
	}
	return cells
}
