package metrics

import "time"

// A StatsScraper asks pods; here nothing is asked.
type StatsScraper interface {
	Scrape(window time.Duration) (Stat, error)
}
