"""Why comments were read as they were: as JSON lines, and for people in French or English."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from engine.domain.errors import VigieError
from ops.render.neutral import plain

if TYPE_CHECKING:
    from detectors.text.explain import Explanation, Push
    from detectors.text.scorer import LinearScorer
    from engine.domain.mention import Mention

log = logging.getLogger("vigie")

PUSHES_SHOWN = 8
WORDS_SHOWN = 4

_FR = {
    "neg": "négatif", "neu": "neutre", "pos": "positif", "probability": "P(négatif) {p}\u202f%",
    "against": "cote de négatif contre {rival}\u00a0: {odds}",
    "words": "les mots qui l’ont rendu négatif\u00a0: {words}",
    "learnt": "appris {by}", "word": "mot", "pair": "suite", "fact": "indice", "always": "toujours",
    "others": "le reste", "quote": "«\u00a0{}\u00a0»",
}  # fmt: skip
_EN = {
    "neg": "negative", "neu": "neutral", "pos": "positive", "probability": "P(negative) {p} %",
    "against": "log-odds of negative against {rival}: {odds}", "words": "the words that made it negative: {words}",
    "learnt": "learnt {by}", "word": "word", "pair": "pair", "fact": "clue", "always": "always",
    "others": "the rest", "quote": "“{}”",
}  # fmt: skip

_FACTS_FR = {
    "valence": "tonalité du lexique", "positive": "mots positifs", "negative": "mots négatifs",
    "valence_a_word": "tonalité par mot", "last_valence": "dernier mot connoté", "mixed": "éloge et blâme mêlés",
    "exclaims": "exclamations", "questions": "questions", "capitals_share": "part de majuscules",
    "stretched": "lettres étirées", "words": "longueur en mots", "links": "liens", "names": "arobases",
    "emoji": "émojis", "negations": "négations", "buts": "« mais »", "pressing": "mots pressants",
    "categories": "sujets de crise", "empty": "rien à lire",
}  # fmt: skip


def explained(scorer: LinearScorer, lines: list[str], *, lang: str | None, ui: str | None, pushes: bool) -> bytes:
    """The answer to some lines, with the reasons; as JSON lines, or as text in the language `ui`."""
    from detectors.text.explain import explain

    scores = scorer.score_many(lines, [lang] * len(lines))
    answers = []
    for i, line in enumerate(lines):
        why = explain(scorer, line, lang)
        negative = float(scores.negative[i])
        if ui is not None:
            answers.append(explanation_text(line, why, negative, ui, pushes=pushes).encode() + b"\n\n")
            continue
        view = {
            "lang": scores.langs[i],
            "label": why.label,
            "negative": round(negative, 4),
            "sentiment": round(float(scores.sentiment[i]), 4),
            "categories": scores.categories[i],
            "explain": explanation_view(why),
        }
        answers.append(orjson.dumps(view, option=orjson.OPT_APPEND_NEWLINE))
    return b"".join(answers)


def explanation_view(why: Explanation) -> dict[str, Any]:
    """An explanation as plain data; `pushes` add up to `log_odds`."""
    return {
        "table": why.table,
        "against": why.against,
        "log_odds": why.log_odds,
        "words": [plain(word, 40) for word in why.negative_words(WORDS_SHOWN)],
        "pushes": [
            {"kind": push.kind, "name": plain(push.name, 90), "by": push.by, "learnt": push.learnt, "at": push.at}
            for push in why.pushes
        ],
    }


def explanation_text(line: str, why: Explanation, negative: float, lang: str, *, pushes: bool) -> str:
    """An explanation for people. The pushes that are shown and "the rest" add up to the log-odds."""
    say = _FR if lang == "fr" else _EN
    colon = "\u00a0:" if lang == "fr" else ":"
    shown = why.strongest(PUSHES_SHOWN) if pushes else ()
    lines = [
        plain(line, 160),
        f"  {say[why.label]}, " + say["probability"].format(p=_number(negative * 100, lang, signed=False, digits=0)),
    ]
    words = why.negative_words(WORDS_SHOWN)
    if words and why.label == "neg":
        quoted = ", ".join(say["quote"].format(plain(word, 40)) for word in words)
        lines.append("  " + say["words"].format(words=quoted))
    if not shown:
        return "\n".join(lines)
    lines.append("  " + say["against"].format(rival=say[why.against], odds=_number(why.log_odds, lang)) + colon)
    for push in shown:
        learnt = f" ({say['learnt'].format(by=_number(push.learnt, lang))})" if push.learnt else ""
        lines.append(f"    {_number(push.by, lang):>7}  {say[push.kind]}{colon} {_named(push, lang)}{learnt}")
    rest = why.log_odds - sum(push.by for push in shown)
    lines.append(f"    {_number(rest, lang):>7}  {say['others']}")
    return "\n".join(lines)


def _named(push: Push, lang: str) -> str:
    if push.kind != "fact":
        return plain(push.name, 90)
    name, _, bin_ = push.name.partition(" ")
    if lang == "fr":
        return f"{_FACTS_FR.get(name, name)} {bin_.replace('.', ',').replace(',,', ' à ')}".strip()
    return f"{name.replace('_', ' ')} {bin_.replace('..', ' to ')}".strip()


def _number(value: float, lang: str, *, signed: bool = True, digits: int = 2) -> str:
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    return text.replace("-", "−").replace(".", "," if lang == "fr" else ".")


class Reasons:
    """Explains the few mentions that alerts show, with a scorer of its own made at the first one. Safe from any thread.

    A mention that came scored from upstream has no words of ours, and so has one that this scorer does not take for
    negative: what has been learnt since may have changed its mind.
    """

    def __init__(self, make_scorer: Callable[[], object]) -> None:
        self._make_scorer = make_scorer
        self._scorer: object | None = None
        self._turn = threading.Lock()

    def __call__(self, mention: Mention) -> tuple[str, ...]:
        from detectors.text.explain import explain
        from detectors.text.scorer import LinearScorer

        if mention.sentiment is not None:
            return ()
        with self._turn:
            if self._scorer is None:
                try:
                    self._scorer = self._make_scorer()
                except VigieError as error:  # an alert without its telling words is still an alert
                    log.warning("alerts go out without the telling words: %s", error)
                    self._scorer = object()
            if not isinstance(self._scorer, LinearScorer):
                return ()
            why = explain(self._scorer, mention.text, mention.lang)
        return why.negative_words(WORDS_SHOWN) if why.label == "neg" else ()
