"""The table of tiny checkpoints: dense.py, moe.py and others fill it.

A recipe is data and, where a family needs it, a few small functions. It names
transformers' classes by text, so that reading the table costs no import of torch.
"""

import dataclasses
import hashlib
import inspect

RECIPES = {}


@dataclasses.dataclass
class Recipe:
    """How one checkpoint is made.

    name       its folder
    model      transformers' class; config: that of its configuration
    fields     arguments of the configuration (over SMALL)
    vocab      which of vocabularies.py it gets, and what the peer's script shall
               call its pre-tokenizer (it knows those of real models by a hash)
    tweak      tweak(torch, model): after the weights were made random
    forms      more folders of the same weights, NAME-FORM: form(config, tensors)
               returns both as another version or library writes them
               (old_form is what transformers 4 wrote)
    main       such a function for the folder NAME itself
    script     script(argv): before llama.cpp's script runs, to change its arguments or classes
    ids        how many tokens the reference logits have
    """

    name: str
    model: str
    config: str
    fields: dict
    vocab: str = "bpe"
    pre: str = "gpt-2"
    tweak: object = None
    forms: dict = dataclasses.field(default_factory=dict)
    main: object = None
    script: object = None
    ids: int = 48

    def key(self, common):
        """A hash of all that the checkpoint depends on; common: of the shared code."""
        parts = [common]
        for f in dataclasses.fields(self):
            parts += [f.name, text(getattr(self, f.name))]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def text(value):
    if callable(value):
        return inspect.getsource(value) if inspect.isfunction(value) else repr(value)
    if isinstance(value, dict):
        return "{%s}" % ",".join(f"{k}:{text(v)}" for k, v in value.items())
    return repr(value)


# What most families share; a recipe's own fields win.
SMALL = dict(
    vocab_size=512,
    hidden_size=64,
    intermediate_size=96,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=256,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)


# A field that is None, and says so to the configuration.
NULL = "null"


def recipe(name, family, *, model=None, config=None, vocab="bpe", pre="gpt-2", tweak=None, forms=None, main=None,
           script=None, ids=48, small=True, **fields):
    """Adds a recipe; family "Llama" is LlamaForCausalLM and LlamaConfig. A field None is not passed on."""
    if name in RECIPES:
        raise ValueError(f"two recipes {name}")
    given = {k: None if v == NULL else v for k, v in ({**SMALL, **fields} if small else fields).items() if v is not None}
    RECIPES[name] = Recipe(name, model or family + "ForCausalLM", config or family + "Config", given, vocab, pre,
                           tweak, forms or {}, main, script, ids)


def old_form(config, tensors):
    """config.json as transformers 4 wrote it: rope_theta and rope_scaling in place of rope_parameters."""
    config = dict(config)
    for inner in ("text_config", "vision_config", "audio_config"):
        if isinstance(config.get(inner), dict):
            config[inner] = old_form(config[inner], {})[0]
    rope = config.pop("rope_parameters", None)
    if rope and "full_attention" in rope:
        config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        rope = rope["full_attention"]
    if rope:
        rope = dict(rope)
        if "rope_theta" in rope:
            config["rope_theta"] = rope.pop("rope_theta")
        if "partial_rotary_factor" in rope:
            config["partial_rotary_factor"] = rope.pop("partial_rotary_factor")
        config["rope_scaling"] = None if rope.get("rope_type", "default") == "default" else rope
    if "dtype" in config:
        config["torch_dtype"] = config.pop("dtype")
    if "transformers_version" in config:
        config["transformers_version"] = "4.51.3"
    return config, tensors


def layer_scalars(torch, model):
    """Also lets layers add less: llama.cpp's GELU is a table in F16."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if ".layers." in name and "post_" in name:
                p.mul_(0.3)
    for name, buffer in model.named_buffers():
        if name.endswith("layer_scalar"):
            buffer.add_(torch.randn_like(buffer) * 0.2)
