"""A transformer's folder as one would download it, but tiny: a table of words, summed and squashed.

It knows a dozen words, French and English, so that a test can say what it means; its own arithmetic is real.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import NFD, Lowercase, Sequence, StripAccents
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

POSITIVE = ("merci", "parfait", "satisfait", "super", "thanks", "perfect")
NEGATIVE = ("panne", "nul", "honte", "annule", "cancelled", "broken")
TURNS = ("ne", "pas", "not")
WIDTH = 32
LABELS = {"0": "positive", "1": "neutral", "2": "negative"}
"""In another order than ours, as models come."""


def make_folder(folder: Path, *, labels: dict[str, str] | None = None, types: bool = False, outputs: int = 3) -> Path:
    """Write model.onnx, tokenizer.json and config.json. `types` makes it ask for token types, as BERT does."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", *POSITIVE, *NEGATIVE, *TURNS)
    tokenizer(words).save(str(folder / "tokenizer.json"))
    onnx.save(model(words, types=types, outputs=outputs), str(folder / "model.onnx"))
    config = {"id2label": LABELS if labels is None else labels, "max_position_embeddings": 130}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def tokenizer(words: tuple[str, ...]) -> Tokenizer:
    """Whole words, case and accents folded, a sign before and behind."""
    made = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    made.normalizer = Sequence([NFD(), StripAccents(), Lowercase()])
    made.pre_tokenizer = Whitespace()
    made.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return made


def model(words: tuple[str, ...], *, types: bool, outputs: int) -> onnx.ModelProto:
    """softmax's input: W tanh(sum of the words' rows), with noise in every number so that rounding shows."""
    rng = np.random.default_rng(7)
    rows = rng.normal(0, 0.05, (len(words), WIDTH)).astype(np.float32)
    for word, place, by in (
        *((w, 0, 2.0) for w in POSITIVE), *((w, 1, 2.0) for w in NEGATIVE), *((w, 1, 2.0) for w in TURNS),
    ):  # fmt: skip
        rows[words.index(word), place] += by
        rows[words.index(word), 1 - place] -= by
    out = rng.normal(0, 0.02, (WIDTH, outputs)).astype(np.float32)
    out[0, 0] += 4.0
    out[1, outputs - 1] += 4.0
    nodes = [
        helper.make_node("Gather", ["rows", "input_ids"], ["found"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
        helper.make_node("Mul", ["found", "wide"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "middle"], ["sum"], keepdims=0),
        helper.make_node("Tanh", ["sum"], ["squashed"]),
        helper.make_node("MatMul", ["squashed", "out"], ["logits"]),
    ]
    constants = {"rows": rows, "out": out, "last": np.array([2]), "middle": np.array([1])}
    asked = ["input_ids", "attention_mask", *(["token_type_ids"] if types else [])]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in asked],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", outputs])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
