"""`vigie demo`: a synthetic bad buzz through the real engine, live in the terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

SPEED_MAX = 1_000.0


def demo(
    speed: Annotated[float, typer.Option(help="1 takes about a minute, 10 a tenth of it.", metavar="N")] = 1.0,
    headless: Annotated[bool, typer.Option("--headless", help="The key moments as plain lines, at once.")] = False,
    lang: Annotated[str, typer.Option(help="fr or en.", metavar="LANG")] = "fr",
) -> None:
    """Watch a synthetic crisis go through the real engine: calm, alert, playbook, drafts, stand-down.

    Brand, people and messages are invented, and nothing is sent to anyone. Where the output is no terminal, the key
    moments are printed as plain lines.

    **Examples:**

    `vigie demo`

    `vigie demo --speed 3 --lang en`

    `vigie demo --headless > demo.txt`
    """
    from engine.domain.errors import InputError

    if lang not in ("fr", "en"):
        raise InputError(f"--lang {lang}: there are fr and en")
    if not 0 < speed <= SPEED_MAX:
        raise InputError(f"--speed {speed:g}: give a number above 0, at most {SPEED_MAX:g}")
    from ops.demo.script import WORDS

    try:
        _play(lang, speed, headless=headless or not sys.stdout.isatty())
    except KeyboardInterrupt:
        print(WORDS[lang]["interrupted"])  # noqa: T201


def _play(lang: str, speed: float, *, headless: bool) -> None:
    from ops.demo.run import Clock, play_live, play_plain

    if headless:
        play_plain(lang, lambda text: print(text, flush=True))  # noqa: T201
        return
    import time

    from rich.console import Console

    play_live(lang, speed, Clock(time.monotonic, time.sleep), Console())
