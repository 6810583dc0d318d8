"""The signals beside the count, by name. A new one: one file here, one line below, its sentence in
`engine/core/wording.py`, its mode in `engine/domain/signals.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from detectors.signals.arousal import Arousal
from detectors.signals.drift import Drift
from detectors.signals.raid import Raid
from detectors.signals.reach import Reach
from detectors.signals.silence import Silence
from detectors.signals.viral import Viral
from engine.ports.signal import Signal

SIGNALS: Final[dict[str, Callable[[float], Signal]]] = {
    "raid": Raid,
    "reach": Reach,
    "arousal": Arousal,
    "viral": Viral,
    "drift": Drift,
    "silence": Silence,
}
"""Name -> a fresh signal that may cost so many false alarms a week."""
