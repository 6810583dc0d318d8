"""Judging rendered drafts by their words alone, as a reader who has nothing but the list of `vigie playbooks draft`.

Each row holds `playbook`, `level`, `network`, `lang`, `form`, `kind` and `text`. What needs the playbook behind a text
(its banned phrases, its strategies, what is a fact in it) is `playbooks.lint`'s.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple, TypeAlias

from playbooks.likeness import similar
from playbooks.lint import lint_text
from playbooks.networks import NETWORKS
from playbooks.schema import FORMS, KINDS, LEVELS

Row: TypeAlias = Mapping[str, Any]

Unknown: TypeAlias = Callable[[Sequence[str], str], list[frozenset[str]]]
"""Texts and their language to the words of each that no dictionary knows (`ops.spelling.unknown_words`)."""

KEYS = ("playbook", "level", "network", "lang", "form", "kind", "text")
_HOLE = re.compile(r"⟦([^⟧]*)⟧")


class Judged(NamedTuple):
    """What is wrong, with which draft: `draft` reads "outage orange x fr vous holding"."""

    draft: str
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.draft}: {self.text} [{self.rule}]"


def judge(rows: Sequence[Row], unknown: Unknown | None = None) -> list[Judged]:
    """Everything against these drafts; `unknown` reads the spelling, None leaves it out.

    >>> judge([dict(playbook="p", level="vert", network="x", lang="fr", form="tu", kind="reply", text="Oui ?")])[0].rule
    'typography'
    """
    found = [*_gaps(rows), *(finding for row in rows for finding in _faults(row)), *_twins(rows)]
    return found if unknown is None else [*found, *_misspelt(rows, unknown)]


def name_of(row: Row) -> str:
    """A row's short name."""
    return " ".join(str(row[key]) for key in KEYS[:-1] if row[key] is not None)


def _faults(row: Row) -> Iterator[Judged]:
    for finding in lint_text(row["text"], row["network"], row["lang"]):
        if finding.rule not in ("personal_data", "missing_fact"):  # the brand's own contact may stand in a text
            yield Judged(name_of(row), finding.rule, finding.text)
    for hole in dict.fromkeys(_HOLE.findall(row["text"])):
        yield Judged(name_of(row), "missing_fact", f"missing: {hole}")


def _gaps(rows: Sequence[Row]) -> Iterator[Judged]:
    """Of a list with every network, form and kind: what it leaves out, and what stands in it twice."""
    seen: dict[str, int] = defaultdict(int)
    for row in rows:
        seen[name_of(row)] += 1
    for name, times in seen.items():
        if times > 1:
            yield Judged(name, "twice", f"stands {times} times in the list")
    if len({row["network"] for row in rows}) < len(NETWORKS) or {row["kind"] for row in rows} != set(KINDS):
        return
    for playbook in dict.fromkeys(row["playbook"] for row in rows):
        for level in LEVELS:
            for network in NETWORKS:
                for lang, forms in FORMS.items():
                    for form in forms:
                        for kind in KINDS:
                            wanted = " ".join(filter(None, (playbook, level, network, lang, form, kind)))
                            if wanted not in seen:
                                yield Judged(wanted, "absent", "no such draft in the list")


def _twins(rows: Iterable[Row]) -> Iterator[Judged]:
    groups: dict[tuple[Any, ...], dict[str, Row]] = defaultdict(dict)
    for row in rows:
        groups[row["playbook"], row["level"], row["lang"], row["form"], row["kind"]][row["network"]] = row
    for drafts in groups.values():
        for one, other in combinations(drafts, 2):
            if similar(drafts[one]["text"], drafts[other]["text"]):
                yield Judged(name_of(drafts[other]), "same_text", f"nearly the same as for {one}")


def _misspelt(rows: Sequence[Row], unknown: Unknown) -> Iterator[Judged]:
    for lang in FORMS:
        mine = [row for row in rows if row["lang"] == lang]
        for row, words in zip(mine, unknown([row["text"] for row in mine], lang), strict=True):
            for word in sorted(words):
                yield Judged(name_of(row), "spelling", f"no dictionary knows {word!r}")
