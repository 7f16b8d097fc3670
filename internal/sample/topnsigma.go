package sample

import "math"

// topNSigma bans the tokens whose logit lies more than n standard deviations
// below the largest one (Tang et al. 2024, arXiv:2411.07641). Banned tokens
// (-Inf) stay in the set and do not count in the deviation.
func topNSigma(s *set, n float32) {
	m := s.maximum()
	if s.len() < 2 || infinite(m) {
		return
	}
	ban := float32(math.Inf(-1))
	var sum, squares float64
	count := 0
	for i := range s.len() {
		if l := s.at(i); l > ban {
			sum += float64(l)
			count++
		}
	}
	mean := sum / float64(count)
	for i := range s.len() {
		if l := s.at(i); l > ban {
			d := float64(l) - mean
			squares += float64(d * d)
		}
	}
	least := m - float32(n*float32(math.Sqrt(squares/float64(count))))
	for i := range s.len() {
		if s.at(i) < least {
			s.put(i, ban)
		}
	}
}
