"""Hostile text made harmless, whatever shows it.

What people wrote is data. Two strengths: `plain` takes away what would fool a terminal or a reader's eye (control and
bidirectional characters, invisible ones, towers of accents); `defused` also takes away what any markup could be made
of, by look-alikes that no renderer of Slack, Teams, Discord, Telegram, HTML or Markdown gives a meaning to. That needs
no knowledge of the channel, so no channel can be forgotten.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b

_SPACE = re.compile("[\x00-\x20\x7f-\x9f\u1680\u2000-\u200a\u2028\u2029\u205f\u3000]+")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_TOWER = re.compile(f"({_MARK}{{2}}){_MARK}+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINK = re.compile(r"(?i)(?:[a-z][a-z0-9+.-]{1,20}:/{1,3})?(?:[\w-]{1,63}\.){1,10}[a-z]{2,24}(?:[/:?][^\s]*)?")

_LOOKALIKES = str.maketrans(
    {
        "<": "‹", ">": "›", "&": "＆", "*": "∗", "_": "＿", "`": "ˋ", "[": "［", "]": "］", "{": "｛", "}": "｝",
        "@": "＠", "#": "＃", "|": "¦", "~": "∼", "\\": "⧵", "$": "＄", "(": "❨", ")": "❩",
    }
)  # fmt: skip


def plain(text: str, chars_max: int = 160) -> str:
    """One line, without control, bidirectional or invisible characters, cut at a word.

    >>> plain("Panne\\x1b[31m\\u202e encore\\nce matin")
    'Panne [31m encore ce matin'
    >>> plain("un deux trois quatre", 12)
    'un deux…'
    """
    text = _SURROGATE.sub("\ufffd", text[: 8 * chars_max + 64])
    text = _TOWER.sub(r"\1", _SPACE.sub(" ", _INVISIBLE.sub("", text))).strip()
    return shortened(unicodedata.normalize("NFC", text), chars_max)


def shortened(text: str, chars_max: int) -> str:
    """At most `chars_max` characters, cut at a word where there is one near the end, with an ellipsis."""
    if len(text) <= chars_max:
        return text
    cut = text[: max(chars_max - 1, 0)]
    if not text[len(cut) : len(cut) + 1].isspace():
        space = cut.rfind(" ")
        cut = cut[:space] if space > chars_max // 2 else cut
    return (cut.rstrip() + "…")[:chars_max]


def defused(text: str, chars_max: int = 160) -> str:
    """`plain`, and nothing in it is markup, a link, or a call to everybody.

    >>> defused("<!channel> **Remboursez** https://example.com/x @everyone")
    '‹!channel› ∗∗Remboursez∗∗ example․com/x ＠everyone'
    """
    # What is left of a scheme has no dot behind it: https://localhost, or an address that the cut went through.
    return _LINK.sub(_unlinked, plain(text, chars_max)).replace("://", "∶//").translate(_LOOKALIKES)


def _unlinked(match: re.Match[str]) -> str:
    """The address without its scheme, its dots replaced: a reader sees where it led, no client makes it a link."""
    return re.sub(r"(?i)^[a-z][a-z0-9+.-]*:/+", "", match.group()).replace(".", "․").replace(":", "∶")


def pseudonym(author: str | None, salt: str) -> str:
    """Four letters that tell authors of one incident apart and name nobody outside it.

    >>> pseudonym("u-17", "inc-1") == pseudonym("u-17", "inc-1") != pseudonym("u-17", "inc-2")
    True
    """
    if not author:
        return "?"
    key = salt.encode("utf-8", "surrogatepass")[:64]
    return blake2b(author.encode("utf-8", "surrogatepass"), digest_size=2, key=key).hexdigest()
