"""Themes of synthetic storms: purity, coverage, names, time an explanation: `make bench-themes`."""

from __future__ import annotations

import time
from collections import Counter
from statistics import mean

from detectors.themes import RiverGroups
from engine.core.themes import TEXTS_MAX, find
from tests.infra.themes_storm import three_themes
from tests.unit.test_themes import IGNORED, Recording, whole

SEEDS = range(1, 9)
NAMED = ("réseau", "hotline", "factur")
LARGE = 8


def main() -> None:
    purity, covered, named, took_ms = [], [], 0, []
    for seed in SEEDS:
        made = three_themes(TEXTS_MAX, seed=seed)
        label = {m.id: name for name, m in made}
        asked, seen = whole([m for _, m in made]), Recording()
        themes = find(asked, seen, IGNORED)  # the first also loads river and datasketch
        began_s = time.process_time()
        find(asked, RiverGroups(), IGNORED)
        took_ms.append(1e3 * (time.process_time() - began_s))
        inside = [Counter(label[i] for i in ids) for ids in seen.groups(asked).values()]
        large = [found for found in inside if found.total() >= LARGE]
        in_large = sum(found.total() for found in large)
        purity.append(sum(max(found.values()) for found in large) / in_large)
        covered.append(in_large / TEXTS_MAX)
        words = " ".join(" ".join((theme.name, *theme.terms)) for theme in themes)
        named += all(name in words for name in NAMED)
    print(
        f"{len(purity)} storms of {TEXTS_MAX} texts: purity {mean(purity):.3f}, at the worst {min(purity):.3f};",
        end=" ",
    )
    print(f"in groups of {LARGE} or more {mean(covered):.0%}; all three themes named in {named};", end=" ")
    print(f"an explanation {min(took_ms):.0f} to {max(took_ms):.0f} ms")


if __name__ == "__main__":
    main()
