"""The error tree. Whether to try again is a property of the type.

VigieError                  everything that Vigie raises on purpose
├── InputError              what was given is wrong: say where and what to do; exit 2
│   ├── ConfigError         the settings file
│   ├── MentionError        one record; it becomes a dead letter, its neighbours go on
│   └── PlaybookError       a playbook file
├── StateError              stored state that this version can't read
├── FencedError             another process owns this source now: drop memory, rejoin
└── TransientError          (retry) the world outside is not ready: database locked, broker away
    ├── StoreAwayError      (retry) the store can't read or write now
    └── DeliveryError       (retry) a channel did not take an alert
"""

from __future__ import annotations


class VigieError(Exception):
    """Everything that Vigie raises on purpose. Its text is one line, for the person who reads it."""

    retry = False


class InputError(VigieError):
    """What was given is wrong. The message names the place and what to do."""


class ConfigError(InputError):
    """The settings can't be used."""


class MentionError(InputError):
    """One record is no mention: `field` names the culprit ("" for the whole record)."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


class PlaybookError(InputError):
    """A playbook file can't be used."""


class StateError(VigieError):
    """Stored state is of a form that this version can't read."""


class FencedError(VigieError):
    """Another process has taken this source. Whatever is in memory is stale."""


class TransientError(VigieError):
    """The world outside is not ready; the same call may go through later."""

    retry = True


class StoreAwayError(TransientError):
    """The store can't read or write now."""


class DeliveryError(TransientError):
    """A channel did not take an alert."""

    def __init__(self, message: str, *, retry: bool = True) -> None:
        super().__init__(message)
        self.retry = retry
