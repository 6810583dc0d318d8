"""Sentiment by a transformer in ONNX form, for those who have one and the machine for it. Optional and never needed.

The model's folder holds `model.onnx`, `tokenizer.json` (as the tokenizers library writes it) and `config.json`, whose
`id2label` names negative, neutral and positive. The model answers for sentiment alone; language, categories and urgency
stay with the linear tables. After Vaswani et al., "Attention Is All You Need" (2017).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.text.fold import fold_text
from engine.domain.errors import ConfigError
from engine.domain.scores import LABELS, Floats, Scores
from engine.ports.text import TextScorer

TABLE = "onnx"
"""What `Scores.tables` says of a text that the transformer read."""
FILES = ("model.onnx", "tokenizer.json", "config.json")
TOKENS_MAX = 256
"""What stands behind this many tokens of one text is not read,"""
CHARS_A_TOKEN_MAX = 16
"""and the tokenizer is not given more characters than this for each of them."""
TOKENS_A_RUN_MAX = 8_192
"""Tokens, padding included, that one run of the model holds: memory must not follow the batch."""
CONFIG_BYTES_MAX = 10_000_000

_NOTHING = (0.0, 1.0, 0.0)
_KNOWN_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


@dataclass(frozen=True, slots=True)
class OnnxParams:
    """How the model is run. With one text a run a row depends on its own text alone, bit for bit, as the port asks.

    More texts a run, sorted by length and padded, may be faster with many threads; the last digits of a row, and with a
    dynamically quantised model more than that, then depend on its neighbours.
    """

    folder: Path
    threads: int = 1
    texts_a_run: int = 1


@dataclass(frozen=True, slots=True)
class _Model:
    """An opened model: its session, its tokenizer, and what its columns and inputs are."""

    session: Any
    tokenizer: Any
    columns: tuple[int, int, int]
    """Where neg, neu and pos stand in its answer."""
    inputs: tuple[str, ...]
    padding: int


class OnnxScorer:
    """Reads sentiment with a transformer, the rest with another scorer. See `engine.ports.text.TextScorer`."""

    def __init__(self, model: _Model, base: TextScorer, texts_a_run: int = 1) -> None:
        self._model, self._base, self._texts_a_run = model, base, texts_a_run

    def score_many(
        self, texts: Sequence[str], langs: Sequence[str | None], usual: Sequence[str | None] | None = None
    ) -> Scores:
        """Score a batch; as the linear scorer, but the sentiment is the model's."""
        scores = self._base.score_many(texts, langs, usual)
        read = [self._encode(text) for text in texts]
        some = [i for i, text in enumerate(texts) if read[i] and fold_text(text)]
        probabilities = np.tile(np.array(_NOTHING, dtype=np.float32), (len(texts), 1))
        for rows in _runs(some, [len(ids) for ids in read], self._texts_a_run):
            probabilities[rows] = self._run([read[i] for i in rows])
        return replace(scores, probabilities=probabilities, tables=(TABLE,) * len(texts))

    def categorise_many(
        self, texts: Sequence[str], langs: Sequence[str | None] | None = None
    ) -> tuple[tuple[str, ...], ...]:
        """Categories only, by the other scorer."""
        return self._base.categorise_many(texts, langs)

    def _encode(self, text: str) -> list[int]:
        # neither the tokenizer's Rust nor its models know half a surrogate pair, and a NUL is no letter
        clean = text[: TOKENS_MAX * CHARS_A_TOKEN_MAX].encode("utf-8", "ignore").decode("utf-8").replace("\x00", " ")
        ids: list[int] = self._model.tokenizer.encode(clean).ids
        return ids

    def _run(self, ids: list[list[int]]) -> Floats:
        return np.array([_softmax(row) for row in _logits(self._model, ids).tolist()], dtype=np.float32)


def _runs(rows: list[int], lengths: list[int], texts_max: int) -> Iterator[list[int]]:
    """Rows sorted by length, in runs of bounded size.

    >>> list(_runs([0, 1, 2, 3], [5, 2, 9, 2], 2))
    [[1, 3], [0, 2]]
    """
    run: list[int] = []
    for row in sorted(rows, key=lambda i: lengths[i]):
        if run and (len(run) >= texts_max or (len(run) + 1) * lengths[row] > TOKENS_A_RUN_MAX):
            yield run
            run = []
        run.append(row)
    if run:
        yield run


def _logits(model: _Model, ids: list[list[int]]) -> NDArray[np.float64]:
    """The model's answer to some token lists, shape (n, 3): neg, neu, pos."""
    width = max(map(len, ids))
    tokens = np.full((len(ids), width), model.padding, dtype=np.int64)
    mask = np.zeros((len(ids), width), dtype=np.int64)
    for row, own in enumerate(ids):
        tokens[row, : len(own)] = own
        mask[row, : len(own)] = 1
    given = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
    answer = model.session.run(None, {name: given[name] for name in model.inputs})[0]
    return np.asarray(answer, dtype=np.float64)[:, list(model.columns)]


def _softmax(logits: list[float]) -> list[float]:
    top = max(logits)
    parts = [math.exp(logit - top) for logit in logits]
    total = sum(parts)
    return [part / total for part in parts]


def check_folder(folder: Path) -> tuple[int, int, int]:
    """Look at a model's folder without opening the model: its files, its labels, the packages that read it.

    Gives the columns of neg, neu and pos. Raises ConfigError, one line.
    """
    for name in FILES:
        if not (folder / name).is_file():
            raise ConfigError(f"text.model_dir: {folder} has no {name}; a model's folder holds {', '.join(FILES)}")
    columns = _columns(folder / "config.json")
    _packages()
    return columns


def load_onnx_scorer(params: OnnxParams, base: TextScorer) -> OnnxScorer:
    """Open a model and have it read one text, so that what is wrong with it shows at once.

    `base` tells language, categories and urgency. Raises ConfigError, one line, when packages, files or labels are
    missing, the model can't be opened or does not answer with three numbers a text.
    """
    columns = check_folder(params.folder)
    onnxruntime, tokenizers = _packages()
    path = params.folder / "model.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = params.threads, 1
    options.enable_mem_pattern = False  # every run has a shape of its own
    options.enable_cpu_mem_arena = False  # or the largest run's memory is kept for good
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        tokenizer = tokenizers.Tokenizer.from_file(str(params.folder / "tokenizer.json"))
    except Exception as error:  # noqa: BLE001 - both libraries raise bare Exceptions of their own making
        raise ConfigError(f"text.model_dir: {params.folder} can't be opened: {_one_line(error)}") from None
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=_tokens_max(params.folder / "config.json"))
    inputs = tuple(given.name for given in session.get_inputs())
    if strange := [name for name in inputs if name not in _KNOWN_INPUTS]:
        raise ConfigError(f"text.model_dir: {path} asks for {', '.join(strange)}; known are {', '.join(_KNOWN_INPUTS)}")
    padding = tokenizer.token_to_id("<pad>")
    if padding is None:
        padding = tokenizer.token_to_id("[PAD]") or 0
    model = _Model(session, tokenizer, columns, inputs, padding)
    _probe(model, path)
    return OnnxScorer(model, base, params.texts_a_run)


def _probe(model: _Model, path: Path) -> None:
    try:
        ids = model.tokenizer.encode("Merci, service parfait !").ids
        shape = model.session.run(None, {name: np.array([ids or [0]], dtype=np.int64) for name in model.inputs})[
            0
        ].shape
    except Exception as error:  # noqa: BLE001 - onnxruntime raises bare Exceptions of its own making
        raise ConfigError(f"text.model_dir: {path} can't read a text: {_one_line(error)}") from None
    if shape != (1, len(LABELS)):
        raise ConfigError(f"text.model_dir: {path} answers one text with shape {shape}; (1, 3) is needed")


def _packages() -> tuple[Any, Any]:
    try:
        import onnxruntime
        import tokenizers
    except ImportError as error:
        raise ConfigError(
            f"text.backend onnx: the package {error.name} is not installed: pip install 'vigie[onnx]'"
        ) from None
    return onnxruntime, tokenizers


def _config(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            read = json.loads(file.read(CONFIG_BYTES_MAX))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"text.model_dir: {path} can't be read as JSON: {_one_line(error)}") from None
    return read if isinstance(read, dict) else {}


def _columns(path: Path) -> tuple[int, int, int]:
    names = _config(path).get("id2label")
    told = {str(key): str(name) for key, name in names.items()} if isinstance(names, dict) else {}
    found = [next((key for key, name in told.items() if name.lower().startswith(label)), "") for label in LABELS]
    if len(told) != len(LABELS) or set(found) != {"0", "1", "2"}:
        shown = ", ".join(f"{key}: {name}" for key, name in list(told.items())[:5]) or "nothing"
        raise ConfigError(
            f"text.model_dir: {path}: id2label says {shown}; it must name 0, 1 and 2 negative, neutral and positive"
        )
    neg, neu, pos = map(int, found)
    return neg, neu, pos


def _tokens_max(path: Path) -> int:
    """As many as its positions allow, two kept for its own signs."""
    positions = _config(path).get("max_position_embeddings")
    return min(TOKENS_MAX, max(positions - 2, 1)) if isinstance(positions, int) and positions > 0 else TOKENS_MAX


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
