"""Folders with small trained tokenizers of many kinds, what Hugging Face's own library makes of
texts with each, and the keys that llama.cpp's script writes for each: for TestPeerVocabularies.

usage: makevocabs.py FAMILIES.json PEER OUT    (PEER: the folder of llama.cpp's script)
"""

import json
import os
import random
import sys
import traceback
import unicodedata

import vocabularies

FAMILIES, PEER, OUT = sys.argv[1:4]
sys.path[:0] = [PEER, os.path.join(PEER, "gguf-py")]

CONTROL = ["<s>", "</s>", "<pad>", "<|im_start|>", "<|im_end|>", "<|user|>", "<|endoftext|>"]
TEXT = ["  ", "<think>", "é|"]  # added, and not special
RANGES = [(0x20, 0x7E), (0x20, 0x7E), (0x61, 0x7A), (0x30, 0x39), (0x41, 0x5A), (0xA1, 0x17F), (0x391, 0x3C9), (0x410, 0x44F), (0x5D0, 0x5EA),
          (0x620, 0x64A), (0x661, 0x669), (0x905, 0x939), (0xE01, 0xE2E), (0x300, 0x36F), (0x3041, 0x3096), (0x30A1, 0x30FA), (0x4E00, 0x9FA5),
          (0xAC00, 0xD7A3), (0x1F300, 0x1F5FF), (0x2010, 0x2027), (0x2200, 0x22FF), (0xFF01, 0xFF5E), (0xB2, 0xB3), (0x20AC, 0x20AC)]
SPACES = "  \n \t \r\n \u00a0\u3000"
CARD = """---
license: apache-2.0
language:
- en
- no
tags:
- text-generation
- tiny
pipeline_tag: text-generation
base_model: some-org/Tiny-Model-7b-chat-v1.5
datasets:
- some-org/some-data
- https://huggingface.co/datasets/other
model_creator: "Somebody: else"
---
# A model
"""


def texts():
    rng = random.Random(7)
    out = ["", "a", "Hello world", vocabularies.MORE] + vocabularies.MORE.splitlines()
    for _ in range(1000):
        text = ""
        for _ in range(rng.randint(1, 12)):
            low, high = rng.choice(RANGES)
            text += "".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 6)))
            if rng.random() < 0.6:
                at = rng.randrange(len(SPACES))
                text += SPACES[at : at + rng.randint(1, 3)]
            if rng.random() < 0.1:
                text += rng.choice(["'s", "'LL", "'t", "1234567", "\n\n\n", "     ", "http://a.b/c?d=e", "<|im_end|>", "<think>"])
        out.append(unicodedata.normalize("NFC", text))
    return out


def save(folder, name, value):
    vocabularies.save(folder, name, value)


def bpe(folder, family):
    """A tokenizer.json with the family's pre-tokenizer."""
    from tokenizers import AddedToken, Tokenizer, pre_tokenizers, trainers

    empty = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": family.get("normalizer"),
             "pre_tokenizer": family["pre_tokenizer"], "post_processor": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True},
             "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
             "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                       "fuse_unk": False, "byte_fallback": False, "ignore_merges": family.get("ignore_merges", False), "vocab": {}, "merges": []}}
    t = Tokenizer.from_str(json.dumps(empty))
    trainer = trainers.BpeTrainer(vocab_size=700, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    t.train_from_iterator(vocabularies.corpus().splitlines(keepends=True), trainer)
    t.add_special_tokens([AddedToken(x, special=True, normalized=False) for x in CONTROL])
    t.add_tokens([AddedToken(x, special=False, normalized=False) for x in TEXT])
    t.save(os.path.join(folder, "tokenizer.json"))
    save(folder, "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": {"__type": "AddedToken", "content": "</s>", "lstrip": False, "rstrip": False, "normalized": False, "single_word": False, "special": True},
                                           "pad_token": "<pad>", "add_bos_token": True, "clean_up_tokenization_spaces": False,
                                           "chat_template": vocabularies.TEMPLATE})
    return t


def ids_of(tokenizer, all_texts):
    return [tokenizer.encode(x, add_special_tokens=False).ids for x in all_texts]


def script(folder, cls_name, config, pre):
    """The keys that llama.cpp's script writes."""
    import gguf
    from conversion import get_model_class
    from conversion.base import ModelBase, TextModel
    from pathlib import Path

    cls = get_model_class(cls_name)
    m = object.__new__(cls)
    m.dir_model = m.dir_model_card = Path(folder)
    m.hparams = {**config, **config.get("text_config", {})}
    m.hf_arch = m.origin_hf_arch = cls_name
    m.is_mistral_format = False
    m.gguf_writer = gguf.GGUFWriter(os.path.join(folder, "ref", "peer.gguf"), gguf.MODEL_ARCH_NAMES[cls.model_arch])
    known = TextModel.get_vocab_base_pre
    TextModel.get_vocab_base_pre = lambda self, tokenizer: pre
    try:
        gguf.Metadata.load(None, Path(folder), None, 0).set_gguf_meta_model(m.gguf_writer)
        m.set_vocab()
        m.gguf_writer.write_header_to_file()
        m.gguf_writer.write_kv_data_to_file()
        m.gguf_writer.close()
    finally:
        TextModel.get_vocab_base_pre = known


def case(name, cls_name, arch, pre, make, all_texts, config=None):
    folder = os.path.join(OUT, name)
    os.makedirs(os.path.join(folder, "ref"))
    tokenizer = make(folder)
    size = tokenizer.get_vocab_size() if hasattr(tokenizer, "get_vocab_size") else tokenizer.get_piece_size()
    config = {"architectures": [cls_name], "vocab_size": size + 5, "eos_token_id": [1, 2], "_name_or_path": "some-org/Tiny-7b-it", **(config or {})}
    save(folder, "config.json", config)
    save(folder, "generation_config.json", {"temperature": 0.7, "top_k": 20, "top_p": 0.8, "repetition_penalty": 1.05})
    with open(os.path.join(folder, "README.md"), "w", encoding="utf-8") as f:
        f.write(CARD)
    with open(os.path.join(folder, "model.safetensors"), "wb") as f:
        head = json.dumps({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
        f.write(len(head).to_bytes(8, "little") + head + b"\0\0\0\0")
    ids = tokenizer.encode(all_texts) if not hasattr(tokenizer, "get_vocab_size") else ids_of(tokenizer, all_texts)
    save(folder, "ref/ids.json", ids)
    save(folder, "ref/case.json", {"class": cls_name, "arch": arch, "pre": pre})
    try:
        script(folder, cls_name, config, pre)
    except Exception as e:
        traceback.print_exc()
        with open(os.path.join(folder, "ref", "peer.txt"), "w", encoding="utf-8") as f:
            f.write(f"{type(e).__name__}: {e}")


# The class that stands for an architecture, where its vocabulary has a rule of its own.
CLASSES = {"llama": "LlamaForCausalLM", "glm4": "Glm4ForCausalLM", "chatglm": "ChatGLMModel", "stablelm": "StableLmForCausalLM", "qwen2": "Qwen2ForCausalLM",
           "gpt2": "GPT2LMHeadModel", "gpt-oss": "GptOssForCausalLM", "falcon-h1": "FalconH1ForCausalLM", "lfm2": "Lfm2ForCausalLM"}


def main():
    all_texts = texts()
    os.makedirs(OUT, exist_ok=True)
    save(OUT, "texts.json", all_texts)
    with open(FAMILIES, encoding="utf-8") as f:
        families = json.load(f)
    for i, family in enumerate(families):
        cls = CLASSES.get(family["arch"], "GPT2LMHeadModel")
        case(f"{i:02}-{family['name']}", cls, family["arch"], family["name"], lambda folder: bpe(folder, family), all_texts)

    class Recipe:
        pre = "llama"

    def spm(gemma, sp_model, config):
        import sentencepiece
        from tokenizers import Tokenizer

        def make(folder):
            Recipe.pre = "gemma" if gemma else "llama"
            vocabularies.write_spm(folder, Recipe)
            save(folder, "tokenizer_config.json", config)
            if not sp_model:
                os.remove(os.path.join(folder, "tokenizer.model"))
                return Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
            os.remove(os.path.join(folder, "tokenizer.json"))
            return sentencepiece.SentencePieceProcessor(os.path.join(folder, "tokenizer.model"))
        return make

    def unigram(folder):
        import io
        import sentencepiece
        out = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(vocabularies.corpus().splitlines()), model_writer=out, model_type="unigram",
                                                 vocab_size=300, num_threads=1, minloglevel=2, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
        with open(os.path.join(folder, "spiece.model"), "wb") as f:
            f.write(out.getvalue())
        save(folder, "tokenizer_config.json", {"tokenizer_class": "T5Tokenizer", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"})
        return sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())

    decoder = {"added_tokens_decoder": {"0": {"content": "<unk>", "special": True}, "1": {"content": "<s>", "special": True}, "2": {"content": "</s>", "special": True},
                                        "3": {"content": "<|im_start|>", "special": True}, "4": {"content": "<|im_end|>", "special": True}},
               "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "add_bos_token": True, "add_eos_token": False,
               "chat_template": [{"name": "default", "template": "a"}, {"name": "tool use", "template": "b"}]}
    small = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    case("spm-llama", "LlamaForCausalLM", "llama", "", spm(False, True, decoder), all_texts, {"bos_token_id": 1})
    case("spm-gemma2", "Gemma2ForCausalLM", "gemma2", "", spm(True, True, {"bos_token": "<bos>", "eos_token": "<eos>"}), all_texts, {"bos_token_id": 2, "eos_token_id": 1})
    case("spm-qwen2", "Qwen2ForCausalLM", "qwen2", "", spm(False, True, small), all_texts, {"bos_token_id": 1, "eos_token_id": 2})
    case("converted-llama", "LlamaForCausalLM", "llama", "", spm(False, False, small), all_texts)
    case("converted-gemma4", "Gemma4ForCausalLM", "gemma4", "", spm(True, False, {"bos_token": "<bos>", "eos_token": "<eos>"}), all_texts)
    case("unigram-t5", "T5ForConditionalGeneration", "t5", "", unigram, all_texts)


main()
