"""Spelling by hunspell (fr_FR, en_US), where it is installed: one short process for any number of texts.

A word that hunspell does not know is still fine when it stands in `playbooks/terms.fr.txt` or `terms.en.txt`, the
reviewed lists, or when the caller names it (the brand, its products, what facts hold).
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from playbooks.typography import URL

DICTIONARIES = {"fr": "fr_FR", "en": "en_US"}
TIMEOUT_S = 20.0
TEXT_CHARS_MAX = 2_000_000
"""More at once is not read: no caller has that many words."""

_TERMS = Path(__file__).parent.parent / "playbooks"
_WORD = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*")
_SENTENCE = re.compile(r"(?<=[.!?…:;])\s+|\n+")


@lru_cache(maxsize=1)
def hunspell() -> str | None:
    """The program, None where it or one of its dictionaries is not installed."""
    program = shutil.which("hunspell")
    if program is None:
        return None
    told = subprocess.run([program, "-D"], input=b"", capture_output=True, timeout=TIMEOUT_S, check=False).stderr
    return program if all(name.encode() in told for name in DICTIONARIES.values()) else None


@lru_cache(maxsize=4)
def reviewed(lang: str) -> frozenset[str]:
    """The terms that a person has read and found right, though no dictionary holds them."""
    lines = (_TERMS / f"terms.{lang}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def unknown_words(texts: Sequence[str], lang: str, known: Iterable[str] = ()) -> list[frozenset[str]]:
    """The words of each text that nobody knows; none where hunspell is not installed or the language is another.

    >>> [sorted(words) for words in unknown_words(["Nous somes là.", "Tout va bien."], "fr")] if hunspell() else None
    [['somes'], []]
    """
    program = hunspell()
    if program is None or lang not in DICTIONARIES:
        return [frozenset()] * len(texts)
    plain = [_plain(text) for text in texts]
    sentences = "\n".join(dict.fromkeys(part for text in plain for part in _SENTENCE.split(text)))[:TEXT_CHARS_MAX]
    answer = subprocess.run(
        [program, "-l", "-i", "utf-8", "-d", DICTIONARIES[lang]],
        input=sentences.encode("utf-8", "replace"),
        capture_output=True,
        check=True,
        timeout=TIMEOUT_S,
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin:/usr/local/bin"},
    )
    allowed = reviewed(lang) | {word for term in known for word in _WORD.findall(_plain(term))}
    wrong = {word.strip(".") for word in answer.stdout.decode("utf-8", "replace").split()} - allowed - {""}
    wrong -= {word for word in wrong if all(part in allowed for part in re.split(r"['-]", word))}
    if not wrong:
        return [frozenset()] * len(texts)
    found = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(wrong, key=len, reverse=True)))})(?!\w)")
    return [frozenset(found.findall(text)) for text in plain]


def _plain(text: str) -> str:
    """As the dictionaries want it: no addresses, straight apostrophes, spaces that are spaces."""
    return URL.sub(" ", text).replace("’", "'").replace("\u202f", " ").replace("\u00a0", " ").replace("\0", " ")
