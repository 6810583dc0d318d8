"""What a signed link opens: a page that asks, and a button that takes the incident.

Mail scanners and chat previews fetch every link that they see. So GET only shows what the link is for, and the incident
is taken by the POST of the page's own form. The page holds no script and loads nothing; its policy says so.
Programs use `POST /v1/incidents/{id}/ack` of the API, with a token of their own.
"""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from engine.domain.errors import InputError, TransientError
from engine.domain.incident import CLOSED_PHASES, Incident, Phase
from ops.oncall.escalation import CallKind
from ops.render import alert as render
from ops.render.alert import Look
from ops.render.neutral import plain
from ops.render.wording import hour
from playbooks.typography import typeset

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

    from ops.oncall.links import Links
    from ops.store import Store
    from ops.store.pages import PageRow

BODY_BYTES_MAX = 4_096
ANSWER_WAIT_S = 8.0
NAME_CHARS_MAX = 60
_STYLE = (
    "body{font:18px/1.5 system-ui,sans-serif;margin:0;background:#fff;color:#111}"
    "main{max-width:34rem;margin:2rem auto;padding:0 1rem}h1{font-size:1.4rem}"
    "button{font:inherit;padding:.8rem 1.4rem;border:0;border-radius:.4rem;background:#b00020;color:#fff}"
    "input{font:inherit;padding:.5rem;width:100%;box-sizing:border-box}code{font-size:.9rem}"
)
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
HEADERS = MappingProxyType(
    {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }
)

_FR = {
    "take": "Je prends l'incident",
    "confirm": "J'ai bien reçu l'essai",
    "who": "Votre nom",
    "as": "En tant que {person}",
    "note": "L'escalade s'arrête et votre nom figure dans la main courante.",
    "done": "C'est noté : l'incident est à vous, {person}.",
    "done_test": "Merci, {person} : l'essai est confirmé.",
    "had": "Déjà pris en charge par {person} à {at}.",
    "over": "Cet incident est terminé. Il n'y a rien à prendre.",
    "gone": "Cet incident n'existe plus.",
    "late": "Le service n'a pas encore répondu : la demande est enregistrée et sera traitée.",
    "name": "Écrivez votre nom : la main courante doit dire qui.",
    "expired": "Ce lien a expiré ou n'est pas valide.",
    "test": "Essai de l'astreinte. Aucun incident n'est en cours.",
    "next": "Ensuite : vigie incidents show {id}",
}
_EN = {
    "take": "I take this incident",
    "confirm": "I got the test",
    "who": "Your name",
    "as": "As {person}",
    "note": "The escalation stops, and your name stands in the log.",
    "done": "Noted: the incident is yours, {person}.",
    "done_test": "Thank you, {person}: the test is confirmed.",
    "had": "Taken by {person} at {at} already.",
    "over": "This incident is over. There is nothing to take.",
    "gone": "This incident is no longer there.",
    "late": "The service has not answered yet: the request is stored and will be carried out.",
    "name": "Write your name: the log must say who.",
    "expired": "This link has expired or is not valid.",
    "test": "Test of the on-call rota. There is no incident.",
    "next": "Next: vigie incidents show {id}",
}
_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {lang: {key: typeset(text, lang) for key, text in table.items()} for lang, table in (("fr", _FR), ("en", _EN))}
)


class Answers:
    """What the links answer. `wake` has the engine look for commands."""

    def __init__(
        self, store: Store, links: Links | None, look: Look, clock_ms: Callable[[], int], wait_s: float = ANSWER_WAIT_S
    ) -> None:
        self._store, self._links, self._look, self._clock_ms, self._wait_s = store, links, look, clock_ms, wait_s
        self._say = _WORDS["fr" if look.lang == "fr" else "en"]
        self._pause = threading.Event()

    def show(self, token: str) -> tuple[int, str]:
        """The page that asks. Changes nothing."""
        try:
            page, incident = self._read(token)
        except InputError:
            return 404, self._page(self._say["expired"])
        if page is not None and page.kind == CallKind.TEST:
            return 200, self._page(self._say["test"], self._form(page.person, self._say["confirm"]))
        if incident is None:
            return 404, self._page(self._say["gone"])
        told = self._state(incident)
        if told is not None:
            return 200, self._page(told, title=self._title(incident))
        form = self._form(page.person if page else "", self._say["take"])
        return 200, self._page(self._say["note"], form, self._title(incident))

    def take(self, token: str, body: bytes) -> tuple[int, str]:
        """The button was pressed."""
        say = self._say
        try:
            page, incident = self._read(token)
        except InputError:
            return 404, self._page(say["expired"])
        named = parse_qs(body.decode("utf-8", "replace"), max_num_fields=4).get("by", [""])[0]
        person = page.person if page is not None and page.person else plain(named, NAME_CHARS_MAX)
        if not person:
            return 400, self._page(say["name"], self._form("", say["take"]))
        if page is not None:
            self._store.pages.ack(page.seq, self._clock_ms())
            if page.kind == CallKind.TEST:
                return 200, self._page(say["done_test"].format(person=person))
        if incident is None:
            return 404, self._page(say["gone"])
        told = self._state(incident)
        if told is not None:
            return 200, self._page(told, title=self._title(incident))
        answered, _ = acknowledge(self._store, incident.id, person, self._wait_s, self._pause)
        if answered is None:
            return 202, self._page(say["late"], title=self._title(incident))
        now = self._store.incident(incident.id) or incident
        if now.acked_by not in (None, person):  # somebody was faster
            return 200, self._page(self._state(now) or say["over"], title=self._title(now))
        done = say["done"].format(person=person)
        return 200, self._page(done, f"<p><code>{escape(say['next'].format(id=now.id))}</code></p>", self._title(now))

    def _read(self, token: str) -> tuple[PageRow | None, Incident | None]:
        """What the link is for. Raises InputError when it is for nothing."""
        if self._links is None:
            raise InputError("no links are set up")
        target = self._links.read(token)
        if target.page is None:
            return None, self._store.incident(target.incident_id or "")
        page = self._store.pages.page(target.page)
        if page is None:
            raise InputError("this link is not valid")
        return page, self._store.incident(page.incident_id)

    def _state(self, incident: Incident) -> str | None:
        """Why there is nothing to take; None when there is."""
        if incident.phase in CLOSED_PHASES:
            return self._say["over"]
        if incident.phase is Phase.ACKNOWLEDGED and incident.acked_by is not None:
            at_ms = incident.acked_at_ms or self._clock_ms()
            at = hour(at_ms, ZoneInfo(self._look.timezone), self._look.lang, self._clock_ms())
            return self._say["had"].format(person=incident.acked_by, at=at)
        return None

    def _title(self, incident: Incident) -> str:
        from engine.domain.effects import AlertRaised
        from engine.domain.incident import Alert, AlertKind

        alert = Alert("", AlertKind.OPENED, incident.opened_at_ms, incident)
        return render.title(AlertRaised(alert, None), self._look)

    def _form(self, person: str, button: str) -> str:
        field = f'<input name="by" maxlength="{NAME_CHARS_MAX}" required>'
        asked = f"<label>{escape(self._say['who'])} {field}</label>"
        who = f"<p>{escape(self._say['as'].format(person=person)) if person else asked}</p>"
        return f'<form method="post">{who}<button type="submit">{escape(button)}</button></form>'

    def _page(self, text: str, more: str = "", title: str = "Vigie") -> str:
        lang = "fr" if self._look.lang == "fr" else "en"
        return (
            f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
            f"<body><main><h1>{escape(title)}</h1><p>{escape(text)}</p>{more}</main></body></html>\n"
        )


def acknowledge(
    store: Store, incident_id: str, actor: str, wait_s: float = ANSWER_WAIT_S, pause: threading.Event | None = None
) -> tuple[bool | None, str]:
    """Have the running service take an incident for somebody: whether it did, and its sentence; None when it has not
    answered within `wait_s` (the command stays, and is carried out)."""
    seq = store.add_command("ack", incident_id, actor)
    pause = pause or threading.Event()
    deadline_s = time.monotonic() + wait_s
    while (answer := store.answer(seq)) is None:
        if time.monotonic() >= deadline_s:
            return None, ""
        pause.wait(0.05)
    return answer.ok, answer.text


def add_ack_routes(app: FastAPI, answers: Answers) -> None:
    """`GET` and `POST /ack/{token}`."""
    from fastapi import Request, Response
    from starlette.concurrency import run_in_threadpool

    def html(answer: tuple[int, str]) -> Response:
        return Response(answer[1], answer[0], dict(HEADERS), "text/html; charset=utf-8")

    async def show(token: str) -> Response:
        return html(await run_in_threadpool(answers.show, token))

    async def take(token: str, request: Request) -> Response:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > BODY_BYTES_MAX:
                return Response("too large\n", 413)
        try:
            return html(await run_in_threadpool(answers.take, token, bytes(body)))
        except (TransientError, ValueError) as error:  # ValueError: more fields than a form of ours has
            return Response("try again\n", 503 if isinstance(error, TransientError) else 400)

    take.__annotations__["request"] = Request  # FastAPI reads annotations at run time
    common = {"response_class": Response, "include_in_schema": False}
    app.add_api_route("/ack/{token}", show, methods=["GET"], **common)  # type: ignore[arg-type]
    app.add_api_route("/ack/{token}", take, methods=["POST"], **common)  # type: ignore[arg-type]
