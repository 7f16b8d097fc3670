package model

// largest fills list with the indexes of the largest scores, in no order. Which of
// equal scores are picked is open in llama.cpp too, which leaves it to
// std::partial_sort: this is the choice of GNU's, a heap of the best so far whose
// worst makes room for what is better.
func largest(list []int32, scores []float32) {
	for i := range list {
		list[i] = int32(i)
	}
	h := worstFirst{list, scores}
	for i := len(list)/2 - 1; i >= 0; i-- {
		h.sink(i, list[i])
	}
	for i := len(list); i < len(scores); i++ {
		if h.better(int32(i), list[0]) {
			h.sink(0, int32(i))
		}
	}
}

// worstFirst is a heap with the worst at its root.
type worstFirst struct {
	list   []int32
	scores []float32
}

func (h *worstFirst) better(a, b int32) bool { return h.scores[a] > h.scores[b] }

// sink puts v into the heap below hole, whose own entry goes: the hole moves down
// to a leaf, always to the worse child, and v rises from there.
func (h *worstFirst) sink(hole int, v int32) {
	top, n := hole, len(h.list)
	for child := 2*hole + 2; child < n; child = 2*hole + 2 {
		if h.better(h.list[child], h.list[child-1]) {
			child--
		}
		h.list[hole], hole = h.list[child], child
	}
	if child := 2*hole + 1; child == n-1 {
		h.list[hole], hole = h.list[child], child
	}
	for hole > top {
		parent := (hole - 1) / 2
		if !h.better(h.list[parent], v) {
			break
		}
		h.list[hole], hole = h.list[parent], parent
	}
	h.list[hole] = v
}
