"""A Whisper of two layers with random weights: everything about it is real but the words."""

import json
from pathlib import Path

# 100, in the order of the vocabulary of large-v3
LANGUAGES = """
    en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta
    no th ur hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk
    sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb
    my bo tl mg as tt haw ln ha ba jw su yue
""".split()
N_TEXT_TOKENS = 50257


def make(folder: Path, multilingual: bool = True, alignment: bool = True) -> Path:
    """Writes model, tokenizer and feature extractor as a hub folder has them."""
    import torch
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    torch.manual_seed(0)
    ids = _write_tokenizer(folder, multilingual)
    config = WhisperConfig(
        vocab_size=len(ids),
        d_model=16,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_target_positions=448,
        pad_token_id=ids["<|endoftext|>"],
        bos_token_id=ids["<|endoftext|>"],
        eos_token_id=ids["<|endoftext|>"],
        decoder_start_token_id=ids["<|startoftranscript|>"],
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    model = WhisperForConditionalGeneration(config)
    settings = model.generation_config
    settings._from_model_config = False  # else generate() would make it anew, without these
    settings.is_multilingual = multilingual
    settings.no_timestamps_token_id = ids["<|notimestamps|>"]
    settings.max_length = 32
    settings.max_initial_timestamp_index = 50  # as in the real ones: begin within the first second
    settings.decoder_start_token_id = config.decoder_start_token_id
    if multilingual:
        settings.lang_to_id = {f"<|{c}|>": ids[f"<|{c}|>"] for c in LANGUAGES}
        settings.task_to_id = {t: ids[f"<|{t}|>"] for t in ("translate", "transcribe")}
    if alignment:
        settings.alignment_heads = [[1, 0], [1, 1]]
    model.save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    return folder


def convert(folder: Path, into: Path) -> Path:
    """The same model for faster-whisper."""
    from ctranslate2.converters import TransformersConverter

    files = ["tokenizer.json", "preprocessor_config.json"]
    TransformersConverter(str(folder), copy_files=files).convert(str(into))
    return into


def _write_tokenizer(folder: Path, multilingual: bool) -> dict[str, int]:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers.models.whisper import WhisperTokenizer

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    filler = [f"Ġword{i}" for i in range(N_TEXT_TOKENS - len(alphabet) - 1)]
    last = "" if multilingual else "Ġlast"  # by it CTranslate2 tells the two kinds apart
    vocabulary = {token: i for i, token in enumerate([*alphabet, *filler, last])}
    special = [
        "<|endoftext|>",
        "<|startoftranscript|>",
        *(f"<|{code}|>" for code in LANGUAGES),
        *("<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>"),
        *("<|nospeech|>", "<|notimestamps|>"),
    ]
    stamps = [f"<|{i * 0.02:.2f}|>" for i in range(1501)]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True) for t in special])
    tokenizer.add_tokens([AddedToken(t) for t in stamps])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": WhisperTokenizer.__name__,
                "eos_token": "<|endoftext|>",
                "bos_token": "<|endoftext|>",
                "unk_token": "<|endoftext|>",
                "additional_special_tokens": special[1:],
            }
        )
    )
    return tokenizer.get_vocab(with_added_tokens=True)
