"""The README's picture: the screen at the moment of the alert, as SVG. `python -m ops.demo.picture [FILE] [fr|en]`.

rich's SVG names a font on a content network; the rule is taken out, so that the picture asks nobody for anything.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console

from engine.domain.incident import Level
from ops.demo.run import frames
from ops.demo.screen import Screen
from ops.demo.show import Show

SIZE = (120, 38)
PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "demo.svg"
_FONT_FACE = re.compile(r"\s*@font-face\s*\{[^}]*\}")
_COMMENT = re.compile(r"\s*<!-- .*? -->")
_TEXT = re.compile(r'(<text class="[^"]*") x="([\d.]+)" (y="[\d.]+") textLength="([\d.]+)"([^>]*)>([^<]*)</text>')
_CELL = 12.2
_SPACE = "&#160;"
_FAMILY = "'DejaVu Sans Mono', 'Cascadia Mono', Menlo, Consolas, monospace"


def draw(lang: str = "fr", level: Level = Level.ORANGE) -> str:
    """The SVG of the screen when the alert of that level fires; of the last screen if none does."""
    console = Console(
        record=True, force_terminal=True, color_system="truecolor", width=SIZE[0], height=SIZE[1], file=io.StringIO(),
        legacy_windows=False,
    )  # fmt: skip
    with Show(lang) as show:
        screen = Screen(show)
        for to_ms, _ in frames(show.marks):
            moments = show.advance(to_ms)
            screen.take(moments)
            if show.over or any(m.raised and m.raised.alert.incident.level >= level for m in moments):
                break
        console.print(screen)
    svg = console.export_svg(title="vigie demo", unique_id="vigie-demo")
    svg = _TEXT.sub(_without_margins, _COMMENT.sub("", svg))
    return _FONT_FACE.sub("", svg).replace("Fira Code, monospace", _FAMILY).replace("Fira Code", "monospace")


def _without_margins(match: re.Match[str]) -> str:
    """A text begins where its first letter does: some viewers drop spaces at its ends, and would shift it."""
    head, x, y, length, rest, text = match.groups()
    stripped = re.sub(f"^(?:{_SPACE})+|(?:{_SPACE})+$", "", text)
    if not stripped:
        return ""
    before = (len(text) - len(re.sub(f"^(?:{_SPACE})+", "", text))) // len(_SPACE)
    gone = (len(text) - len(stripped)) // len(_SPACE)
    place = f'x="{float(x) + before * _CELL:g}" {y} textLength="{float(length) - gone * _CELL:g}"'
    return f"{head} {place}{rest}>{stripped}</text>"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(draw(sys.argv[2] if len(sys.argv) > 2 else "fr"), encoding="utf-8")
