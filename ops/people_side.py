"""Everything of people beside the engine: calls, the clocks of runs and what they ask for, drafts, the dead man's
switch, the HTTP API. `vigie run` has it beside its engine, `vigie worker desk` beside those of the watch workers; it
is the same here and there, since all of it works from what stands in the store.

The runs themselves are kept in the transactions of whoever steps an engine (`ops.runs.run_keeper`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from engine.domain.effects import AlertRaised, Effect, IncidentSaved
from ops.api import Api
from ops.app import LINEAR, brand_configs, make_scorer
from ops.desk.office import Office
from ops.draft_maker import DraftMaker
from ops.drafting import Drafting, Read
from ops.learning import Teacher
from ops.oncall.service import OnCallService
from ops.oncall.web import Answers, add_ack_routes
from ops.outgoing import Outgoing
from ops.run_asks import Asks, RunTicker, hook_of
from ops.runs import RunKeeper
from ops.settings import Settings
from ops.store import Store
from playbooks.catalogue import load_catalogue
from streams.label_http import add_label_route

if TYPE_CHECKING:
    from fastapi import FastAPI


class PeopleSide:
    """The threads and the routes. Building it opens nothing.

    `engine_turns` says whether the brands are watched now, here or elsewhere: the dead man's switch asks. `read` tells
    what mentions say, for replies. Raises ConfigError when a secret or the rota can't be read.
    """

    def __init__(
        self, settings: Settings, store: Store, clock_ms: Callable[[], int], *, outgoing: Outgoing, runs: RunKeeper,
        engine_turns: Callable[[], bool], read: Read,
    ) -> None:  # fmt: skip
        self._settings, self._store, self._clock_ms, self._outgoing = settings, store, clock_ms, outgoing
        self._runs = runs
        self._oncall = OnCallService(settings, store, clock_ms, engine_turns, outgoing.wake)
        asks = Asks(store, runs, clock_ms, hook_of(settings), self._oncall.pager)
        self._ticker = RunTicker(runs, asks)
        catalogue = load_catalogue(settings.playbooks.directories)
        self._drafting = Drafting(store, settings, catalogue, clock_ms, read)
        self._drafts = DraftMaker(store, self._drafting)

    def start(self, stack: ExitStack) -> None:
        """Everything goes on where the store says: what became due meanwhile is told now. `stack` ends it."""
        self._runs.adopt()  # first: it is all that may have to be tried again
        self._oncall.start(stack)
        self._ticker.start()
        stack.callback(self._ticker.stop)
        self._drafts.start()
        stack.callback(self._drafts.stop)

    def heard(self, effects: Sequence[Effect]) -> None:
        """A step's effects, once they are stored: nobody need wait for the next look at the store."""
        if any(isinstance(effect, AlertRaised | IncidentSaved) for effect in effects):
            self._oncall.wake()
            self._ticker.wake()
        self._drafts.heard(effects)

    def figures(self) -> list[Effect]:
        """Gauges of now. Raises TransientError."""
        return self._oncall.figures()

    def add_routes(self, app: FastAPI) -> None:
        """The API, the links of pages, and corrections; these behind the token and the key of `sources.http`."""
        settings, http = self._settings, self._settings.sources.http
        token, secret = (http.token(), http.secret()) if http is not None else (None, None)
        add_label_route(
            app,
            Teacher(self._store, lambda: make_scorer(LINEAR, brand_configs(settings))).take,
            token=token.get_secret_value() if token else None,
            secret=secret.get_secret_value() if secret else None,
        )
        add_ack_routes(app, Answers(self._store, self._outgoing.links, self._outgoing.look, self._clock_ms))
        Api(Office(self._store, settings, self._clock_ms, inside=True, drafting=self._drafting)).add(app)
