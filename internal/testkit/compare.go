package testkit

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
)

// NMSE is the squared error of got over the squared size of want:
// sum (got-want)^2 / sum want^2. It is 0 for equal slices, +Inf when want is
// all zero and got is not, NaN when either holds a NaN. Lengths must be equal.
func NMSE(got, want []float32) float64 {
	if len(got) != len(want) {
		panic(fmt.Sprintf("testkit: NMSE of %d and %d values", len(got), len(want)))
	}
	var diff, size float64
	for i := range got {
		d := float64(got[i]) - float64(want[i])
		diff += d * d
		size += float64(want[i]) * float64(want[i])
	}
	if diff == 0 {
		return 0
	}
	return diff / size
}

// KL is the Kullback-Leibler divergence, in nats, of the distribution
// softmax(got) from the reference softmax(want): sum p log(p/q).
func KL(got, want []float32) float64 {
	if len(got) != len(want) {
		panic(fmt.Sprintf("testkit: KL of %d and %d logits", len(got), len(want)))
	}
	zg, zw := logSumExp(got), logSumExp(want)
	var sum float64
	for i := range want {
		lp, lq := float64(want[i])-zw, float64(got[i])-zg
		if p := math.Exp(lp); p > 0 {
			sum += p * (lp - lq)
		}
	}
	return sum
}

// NLL is the negative log-likelihood of id under softmax(logits), in nats.
func NLL(logits []float32, id int) float64 {
	return logSumExp(logits) - float64(logits[id])
}

// TopK returns the indexes of the k largest logits, largest first; of equal
// ones the lower index comes first.
func TopK(logits []float32, k int) []int {
	order := make([]int, len(logits))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case logits[a] > logits[b]:
			return -1
		case logits[a] < logits[b]:
			return 1
		}
		return 0
	})
	return order[:min(k, len(order))]
}

// Top1 returns the index of the largest logit, the lowest one of equals.
func Top1(logits []float32) int {
	best := 0
	for i, v := range logits {
		if v > logits[best] {
			best = i
		}
	}
	return best
}

// ReadF32 reads a file of little-endian float32 values.
func ReadF32(t testing.TB, path string) []float32 {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	if len(raw)%4 != 0 {
		t.Fatalf("testkit: %s: %d bytes are no multiple of 4", path, len(raw))
	}
	out := make([]float32, len(raw)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return out
}

// WriteF32 writes values as little-endian float32.
func WriteF32(t testing.TB, path string, values []float32) {
	t.Helper()
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatalf("testkit: %v", err)
	}
}

// Rows cuts a matrix of rows of n values, without copying.
func Rows(values []float32, n int) [][]float32 {
	rows := make([][]float32, 0, len(values)/n)
	for i := 0; i+n <= len(values); i += n {
		rows = append(rows, values[i:i+n])
	}
	return rows
}

// logSumExp is log(sum exp(x)), safe for large values.
func logSumExp(x []float32) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = math.Max(top, float64(v))
	}
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum)
}
