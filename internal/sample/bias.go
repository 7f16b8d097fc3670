package sample

// addBias adds the biases to a dense set; ids outside the vocabulary were
// refused by New.
func addBias(s *set, biases []Bias) {
	for _, b := range biases {
		s.logits[b.ID] += b.Bias
	}
}
