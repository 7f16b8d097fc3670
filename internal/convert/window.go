package convert

// statedWindows writes the windows of families that have none in llama.cpp (Mistral,
// Qwen 2, Phi 3, ...): the engine uses them where the file says in which layers.
// otherwise says so where the configuration has no list of layers' types.
func (m *maker) statedWindows(otherwise func(layer int) bool) {
	size := m.intOr(0, "sliding_window")
	if size == 0 || size >= m.intOr(size+1, "max_position_embeddings") {
		return // it shows everything
	}
	windowed := m.slidingLayers(otherwise)
	for _, w := range windowed {
		if w {
			m.setInt("attention.sliding_window", size)
			m.setFlags("attention.sliding_window_pattern", windowed)
			m.note("a layer's window of %d tokens is this program's: llama.cpp's %s sees everything", size, m.arch)
			return
		}
	}
}

// everyLayer is for models that have windows in all layers.
func everyLayer(int) bool { return true }

// qwenWindows writes the windows of the later layers of Qwen 2 and 3, if they are switched on.
func (m *maker) qwenWindows() {
	if m.boolOr(false, "use_sliding_window") {
		first := m.intOr(28, "max_window_layers")
		m.statedWindows(func(layer int) bool { return layer >= first })
	}
}

// windowsBut writes which layers look through a window, if that is not what llama.cpp
// takes where nothing says so: all but every nth layer.
func (m *maker) windowsBut(n int) {
	list := m.slidingLayers(m.windowPattern())
	for i, windowed := range list {
		if windowed != (i%n < n-1) {
			m.setFlags("attention.sliding_window_pattern", list)
			return
		}
	}
}
