"""Small trained tokenizers, in the files that Hugging Face's libraries write."""

import json
import os

# What they are trained on: a text that every Debian has, and some of other scripts.
TEXT = "/usr/share/common-licenses/GPL-3"
MORE = """Größe, Äpfel und Öl; déjà vu, où ça? ¿Qué tal, señor? Привет, мир. 你好，世界。 こんにちは世界。 안녕하세요.
1 22 333 4444 55555 3.14159 0xff a_b c-d e+f x=y; if (a < b) { return c[0] != 'd'; } // I'll, we've, you're, he'd
\t\tindented\n\n    four spaces\n🙂🚀 ---- **** ==== ....\n"""

SPECIAL = ["<pad>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<think>", "</think>", "<|endoftext|>", "<|user|>"]

TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

# Regular expressions of pre-tokenizers, by the name that llama.cpp knows them by.
SPLITS = {
    "llama-bpe": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
}


def corpus():
    with open(TEXT, encoding="utf-8") as f:
        return f.read()[:20000] + MORE * 20


def write(folder, recipe):
    """Writes the tokenizer of a recipe into a checkpoint's folder."""
    {"bpe": write_bpe, "spm": write_spm}[recipe.vocab](folder, recipe)
    gemma = recipe.pre == "gemma"
    bos, eos = (2, 1) if gemma else (1, 2)
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<bos>" if gemma else "<s>",
        "eos_token": "<eos>" if gemma else "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>" if recipe.vocab == "spm" else None,
        "model_max_length": 256,
        "clean_up_tokenization_spaces": False,
        "chat_template": TEMPLATE,
    }
    save(folder, "tokenizer_config.json", config)
    save(folder, "generation_config.json", {"bos_token_id": bos, "eos_token_id": [eos, 4], "pad_token_id": 0, "do_sample": True})


def save(folder, name, value):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        json.dump(value, f, indent=2, ensure_ascii=False)


def write_bpe(folder, recipe):
    """Byte-level BPE, as GPT-2 and all that came of it."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    split = SPLITS.get(recipe.pre)
    if split:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(split), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=[AddedToken(s, special=True, normalized=False) for s in SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus().splitlines(keepends=True), trainer)
    tokenizer.save(os.path.join(folder, "tokenizer.json"))


def write_spm(folder, recipe):
    """SentencePiece's BPE with bytes for what it does not know, as Llama 2, Mistral and Gemma have it."""
    import io

    import sentencepiece
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors

    out = io.BytesIO()
    gemma = recipe.pre == "gemma"
    ids = dict(pad_id=0, eos_id=1, bos_id=2, unk_id=3) if gemma else dict(pad_id=-1, unk_id=0, bos_id=1, eos_id=2)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus().splitlines()), model_writer=out, model_type="bpe", vocab_size=480,
        byte_fallback=True, character_coverage=0.98, normalization_rule_name="identity", remove_extra_whitespaces=False,
        add_dummy_prefix=not gemma, split_digits=True, num_threads=1, minloglevel=2, pad_piece="<pad>", bos_piece="<bos>" if gemma else "<s>",
        eos_piece="<eos>" if gemma else "</s>", user_defined_symbols=["<|im_start|>", "<|im_end|>"], **ids)
    with open(os.path.join(folder, "tokenizer.model"), "wb") as f:
        f.write(out.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())
    names = [pieces.id_to_piece(i) for i in range(pieces.get_piece_size())]
    vocab = {name: i for i, name in enumerate(names)}
    merges = []
    for name in names:
        found = [(name[:at], name[at:]) for at in range(1, len(name)) if name[:at] in vocab and name[at:] in vocab]
        merges += sorted(((vocab[name], vocab[a], vocab[b]), a, b) for a, b in found)
    merges = [(a, b) for _, a, b in sorted(merges)]
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    steps = [normalizers.Replace(" ", "▁")]
    tokenizer.normalizer = normalizers.Sequence(steps if gemma else [normalizers.Prepend("▁")] + steps)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()] + ([] if gemma else [decoders.Strip(" ", 1, 0)]))
    bos = names[pieces.bos_id()]
    tokenizer.post_processor = processors.TemplateProcessing(single=bos + " $A", special_tokens=[(bos, pieces.bos_id())])
    tokenizer.add_special_tokens([AddedToken(n, special=True, normalized=False) for n in
                                  [names[i] for i in (pieces.pad_id(), pieces.bos_id(), pieces.eos_id(), pieces.unk_id()) if i >= 0]])
    tokenizer.add_tokens([AddedToken(n, special=False, normalized=False) for n in ("<|im_start|>", "<|im_end|>")])
    tokenizer.save(os.path.join(folder, "tokenizer.json"))
