package sample

// rng is the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), C++'s
// std::mt19937: the generator llama.cpp draws from, so that one seed means one
// sequence of draws in both.
type rng struct {
	state [624]uint32
	next  int
}

func (r *rng) seed(s uint32) {
	r.state[0] = s
	for i := 1; i < len(r.state); i++ {
		s = 1812433253*(s^s>>30) + uint32(i)
		r.state[i] = s
	}
	r.next = len(r.state)
}

func (r *rng) uint32() uint32 {
	const n, m = 624, 397
	if r.next == n {
		for i := range n {
			y := r.state[i]&0x80000000 | r.state[(i+1)%n]&0x7fffffff
			v := r.state[(i+m)%n] ^ y>>1
			if y&1 == 1 {
				v ^= 0x9908b0df
			}
			r.state[i] = v
		}
		r.next = 0
	}
	y := r.state[r.next]
	r.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// float64 is uniform in [0, 1): two words, the first one low, cut to 53 bits
// (std::generate_canonical since C++26).
func (r *rng) float64() float64 {
	low := uint64(r.uint32())
	high := uint64(r.uint32())
	return float64((high<<32|low)>>11) / (1 << 53)
}

// float32 is uniform in [0, 1): one word cut to 24 bits.
func (r *rng) float32() float32 {
	return float32(r.uint32()>>8) / (1 << 24)
}
