package convert

func init() {
	register("mamba", mamba, "MambaForCausalLM", "MambaLMHeadModel", "FalconMambaForCausalLM")
	register("mamba2", mamba2, "Mamba2ForCausalLM")
}

// manyTokens is the context_length of models that have no limit of their own.
const manyTokens = 1 << 20

// mamba is Mamba 1, in the form of Transformers or of its authors, and Falcon Mamba.
func mamba(m *maker) {
	width := m.width()
	inner := m.intOr(2*width, "intermediate_size", "d_inner")
	if inner != 2*width {
		m.fail("%s: an inner width of %d for %d: only twice the width is known", m.config.File(), inner, width)
	}
	m.stateKeys(width)
	m.setInt("ssm.conv_kernel", m.intOr(4, "conv_kernel", "d_conv"))
	m.setInt("ssm.inner_size", inner)
	m.setInt("ssm.state_size", m.intOr(16, "state_size", "d_state"))
	m.setInt("ssm.time_step_rank", m.ranked((width+15)/16, "time_step_rank", "dt_rank"))
	kind, _ := m.config.Text("model_type")
	m.setBool("ssm.dt_b_c_rms", kind == "falcon_mamba")
	m.stateEnds()
	for m.nextLayer("backbone.layers.%d.") {
		m.move("norm.weight", "attn_norm.weight")
		m.mamba1Layer("mixer.")
	}
}

// ranked is a number that configurations may give as a word ("auto"): then it is otherwise.
func (m *maker) ranked(otherwise int, names ...string) int {
	for _, name := range names {
		if _, isText := m.config.Text(name); m.config.Has(name) && !isText {
			return m.int(name)
		}
	}
	return otherwise
}

// stateKeys sets the keys of models that are layers of Mamba and nothing else.
func (m *maker) stateKeys(width int) {
	m.layers = m.layerCount("n_layers", "num_hidden_layers", "n_layer", "num_layers")
	m.setInt("block_count", m.layers)
	m.setInt("context_length", manyTokens)
	m.setInt("embedding_length", width)
	m.setInt("feed_forward_length", 0)
	m.setInt("attention.head_count", 0)
	m.setFloat("attention.layer_norm_rms_epsilon", m.floatOr(1e-5, "layer_norm_epsilon", "rms_norm_eps"))
}

// stateEnds moves what such models have beside their layers.
func (m *maker) stateEnds() {
	m.move(m.oneOf("backbone.embeddings.weight", "backbone.embedding.weight"), "token_embd.weight")
	m.move("backbone.norm_f.weight", "output_norm.weight")
	switch tied, ok := m.config.Bool("tie_word_embeddings"); {
	case ok && tied || !m.has("lm_head.weight"):
		m.leave("lm_head.weight") // a copy of the embedding
	default:
		m.move("lm_head.weight", "output.weight")
	}
}

// oneOf is the first of the names that a tensor has, or the first of all.
func (m *maker) oneOf(names ...string) string {
	for _, name := range names {
		if m.has(name) {
			return name
		}
	}
	return names[0]
}

// mamba1Layer moves a layer of Mamba 1, whose tensors' names begin with from.
func (m *maker) mamba1Layer(from string) {
	m.linear(from+"in_proj", "ssm_in")
	m.put("ssm_conv1d.weight", m.source(from+"conv1d.weight").squeezed())
	m.moveAny(from+"conv1d.bias", "ssm_conv1d.bias")
	m.zeroBias(from+"conv1d", "ssm_conv1d")
	m.move(from+"x_proj.weight", "ssm_x.weight")
	m.linear(from+"dt_proj", "ssm_dt")
	m.put("ssm_a", m.source(from+"A_log").negativeExp())
	m.move(from+"D", "ssm_d")
	m.linear(from+"out_proj", "ssm_out")
}

// mamba2 is Mamba 2, and Codestral Mamba.
func mamba2(m *maker) {
	m.renamed(func(name string) string {
		if len(name) > 6 && name[:6] == "model." {
			return name[6:]
		}
		return name
	})
	m.stateKeys(m.int("hidden_size", "d_model", "dim"))
	s := m.mamba2Sizes()
	m.stateEnds()
	for m.nextLayer("backbone.layers.%d.") {
		m.move("norm.weight", "attn_norm.weight")
		m.mamba2Layer("mixer.", s)
	}
}

// mamba2Shape are sizes of a layer of Mamba 2: the width inside, and the groups of
// heads that share b and c.
type mamba2Shape struct{ inner, groups, state int }

// mamba2Sizes sets the keys of a layer of Mamba 2.
func (m *maker) mamba2Sizes() mamba2Shape {
	width := m.int("hidden_size", "d_model", "dim")
	s := mamba2Shape{
		inner:  m.intOr(m.intOr(2, "mamba_expand", "expand")*width, "mamba_d_ssm"),
		groups: m.intOr(1, "mamba_n_groups", "n_groups"),
		state:  m.intOr(128, "mamba_d_state", "ssm_state_size", "state_size", "d_state"),
	}
	if heads := m.intOr(0, "mamba_num_heads"); heads > 0 {
		s.inner = heads * m.int("mamba_head_dim")
	}
	heads := m.intOr(0, "mamba_n_heads", "mamba_num_heads")
	if heads == 0 {
		heads = s.inner / max(m.intOr(64, "mamba_d_head", "head_dim"), 1)
	}
	if heads < 1 || s.inner%heads != 0 || s.groups < 1 || s.inner%s.groups != 0 {
		m.fail("%s: %d heads of Mamba in %d groups for a width of %d inside", m.config.File(), heads, s.groups, s.inner)
		s.groups = 1
	}
	m.setInt("ssm.conv_kernel", m.intOr(4, "mamba_d_conv", "conv_kernel", "d_conv"))
	m.setInt("ssm.inner_size", s.inner)
	m.setInt("ssm.state_size", s.state)
	m.setInt("ssm.time_step_rank", heads)
	m.setInt("ssm.group_count", s.groups)
	return s
}

// mamba2Layer moves a layer of Mamba 2, whose tensors' names begin with from.
func (m *maker) mamba2Layer(from string, s mamba2Shape) {
	m.linear(from+"in_proj", "ssm_in")
	m.mamba2State(from, s)
	m.linear(from+"out_proj", "ssm_out")
}

// mamba2State moves all of it but the projections in and out.
func (m *maker) mamba2State(from string, s mamba2Shape) {
	m.put("ssm_conv1d.weight", m.source(from+"conv1d.weight").squeezed())
	m.moveAny(from+"conv1d.bias", "ssm_conv1d.bias")
	m.zeroBias(from+"conv1d", "ssm_conv1d")
	m.move(from+"dt_bias", "ssm_dt.bias")
	column := func(name string) *view {
		v := m.source(name)
		return v.reshape(v.rows()*v.cols(), 1)
	}
	m.put("ssm_a", column(from+"A_log").negativeExp())
	m.put("ssm_d", column(from+"D"))
	if m.has(from + "norm.weight") {
		m.put("ssm_norm.weight", m.source(from+"norm.weight").reshape(s.groups, s.inner/s.groups))
	}
}
