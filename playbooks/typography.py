"""French and English typography: authors type plain spaces and quotes, the texts that leave are set as print sets them.

Spec: Lexique des règles typographiques en usage à l'Imprimerie nationale (2002): narrow no-break space before ; ! ?,
no-break space before : and inside « ».
"""

from __future__ import annotations

import re

NARROW = "\u202f"
NBSP = "\u00a0"
URL = re.compile(r"\bhttps?://[^\s<>\"«»]*[^\s<>\"«».,;:!?)’]")
"""An address; the full stop or bracket that follows it belongs to the sentence."""

_HIGH = re.compile(r"[ \u00a0\u202f]*([;!?]+)")
_COLON = re.compile(r"[ \u00a0\u202f]*(:+)(?=[\s\u00a0\u202f{«]|$)")
_OPEN_QUOTE = re.compile(r"«[ \u00a0\u202f]*")
_CLOSE_QUOTE = re.compile(r"[ \u00a0\u202f]*»")
_NUMBER_UNIT = re.compile(r"(?<=\d) (?=(?:h|min|€|%|ans|jours|heures|minutes)\b|[€%])|(?<=\d h) (?=\d)")

_FINDINGS = (
    (re.compile(r"(?<![;!?\u202f])[;!?]"), "U+202F is missing before {0!r}"),
    (re.compile(r"(?<![\u00a0\u202f:]):(?!//)"), "U+00A0 or U+202F is missing before ':'"),
    (re.compile(r"«(?![\u00a0\u202f])"), "U+00A0 or U+202F is missing after «"),
    (re.compile(r"(?<![\u00a0\u202f])»"), "U+00A0 or U+202F is missing before »"),
    (re.compile(r"[ \u00a0\u202f]+[.,](?=\s|$)"), "no space stands before {0!r}"),
)
_TIME = re.compile(r"\b\d{1,2}:\d{2}\b")


def typeset(text: str, lang: str) -> str:
    """`text` with the spaces and apostrophes that print wants; addresses (URL) stay as they are.

    >>> typeset("C'est grave : que faire ?", "fr") == "C’est grave\\u00a0: que faire\\u202f?"
    True
    >>> typeset("It's 22:30 at https://a.example/?x=1;y", "en")
    'It’s 22:30 at https://a.example/?x=1;y'
    """
    parts: list[str] = []
    end = 0
    for url in URL.finditer(text):
        parts += [_typeset_words(text[end : url.start()], lang), url.group()]
        end = url.end()
    parts.append(_typeset_words(text[end:], lang))
    return "".join(parts)


def _typeset_words(text: str, lang: str) -> str:
    text = text.replace("'", "’")
    if lang != "fr":
        return text
    text = _OPEN_QUOTE.sub("«" + NBSP, text)
    text = _CLOSE_QUOTE.sub(NBSP + "»", text)
    text = _HIGH.sub(NARROW + r"\1", text)
    text = _COLON.sub(NBSP + r"\1", text)
    return _NUMBER_UNIT.sub(NBSP, text)


def french_faults(text: str) -> list[str]:
    """What breaks the French rules in `text`, addresses and times such as 22:30 left aside.

    >>> french_faults("Vraiment ?")
    ["U+202F is missing before '?'"]
    """
    text = _TIME.sub("0", URL.sub("u", text))
    faults = []
    for pattern, message in _FINDINGS:
        found = pattern.search(text)
        if found:
            faults.append(message.format(found.group()))
    return faults
