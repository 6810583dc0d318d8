"""A page as the person who is called reads it: whose turn it is and why, above the alert itself."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.domain.effects import AlertRaised
from ops.oncall.escalation import Call, CallKind
from ops.oncall.page import Page
from ops.render import alert as render
from ops.render.alert import Look
from ops.render.moments import utc
from ops.render.neutral import defused, shortened
from ops.render.wording import hour
from playbooks.typography import typeset

_FR = {
    "call": "ASTREINTE : c'est à vous, {person} ({role}).",
    "after": "ASTREINTE : c'est à vous, {person} ({role}) : {before}.",
    "silent_one": "{names} n'a pas répondu",
    "silent_many": "{names} n'ont pas répondu",
    "next": " Sans réponse avant {at}, l'appel passe à {next}.",
    "last": " Après vous, personne d'autre n'est prévu.",
    "handover": "ASTREINTE : {person}, votre tour commence ({role}) et personne n'a encore pris cet incident.",
    "rise": "ASTREINTE : {person}, l'incident qu'on vous a signalé s'aggrave.",
    "unanswered": "PERSONNE N'A RÉPONDU. Appelés : {names}. Qui lit ceci prend l'incident.",
    "unanswered_nobody": "PERSONNE N'A ÉTÉ APPELÉ : l'astreinte est vide. Qui lit ceci prend l'incident.",
    "unanswered_title": "PERSONNE N'A RÉPONDU - ",
    "taken_title": "{who} s'en charge - ",
    "taken": "Rien à faire pour vous : {who} a pris l'incident en charge.",
    "over": "ASTREINTE : fin d'appel.",
    "step_title": "ÉTAPE EN RETARD - ",
    "step": "À FAIRE : {text}",
    "step_who": "ASTREINTE : {person}, l'étape est à votre rôle ({role}) et son heure est passée.",
    "morning_title": "CE MATIN : {n} incidents de la nuit attendent",
    "morning": "À FAIRE : prenez chaque incident ci-dessous avant {at}, puis qualifiez-le.",
    "take": "prendre",
    "test_title": "ESSAI - alerte d'astreinte de Vigie",
    "test": "À FAIRE : ouvrez le lien et confirmez que vous avez reçu ceci. Aucun incident n'est en cours.",
    "test_bare": "Rien à faire : c'est un essai. Aucun incident n'est en cours.",
    "test_who": "{person}, vous êtes joignable par ce canal pour le rôle {role}.",
    "confirm": "CONFIRMER : {link}",
    "and": " et ",
    "log_call": "Appel : {person} ({role})",
    "log_rise": "Appel : {person}, le niveau monte",
    "log_handover": "Appel : {person}, relève de l'astreinte ({role})",
    "log_step": "Appel : {person} ({role}), étape en retard : {text}",
    "log_unanswered": "Personne n'a répondu. Appelés : {names}",
}
_EN = {
    "call": "ON CALL: this one is yours, {person} ({role}).",
    "after": "ON CALL: this one is yours, {person} ({role}): {before}.",
    "silent_one": "{names} did not answer",
    "silent_many": "{names} did not answer",
    "next": " Without an answer by {at}, {next} is called.",
    "last": " Nobody else is called after you.",
    "handover": "ON CALL: {person}, your shift begins ({role}) and nobody has taken this incident yet.",
    "rise": "ON CALL: {person}, the incident that you were called for is getting worse.",
    "unanswered": "NOBODY ANSWERED. Called: {names}. Whoever reads this takes the incident.",
    "unanswered_nobody": "NOBODY WAS CALLED: nobody is on call. Whoever reads this takes the incident.",
    "unanswered_title": "NOBODY ANSWERED - ",
    "taken_title": "{who} has it - ",
    "taken": "Nothing to do for you: {who} has taken the incident.",
    "over": "ON CALL: end of the call.",
    "step_title": "STEP OVERDUE - ",
    "step": "DO NOW: {text}",
    "step_who": "ON CALL: {person}, the step is your role's ({role}) and its time has passed.",
    "morning_title": "THIS MORNING: {n} incidents of the night wait",
    "morning": "DO NOW: take each incident below by {at}, then qualify it.",
    "take": "take it",
    "test_title": "TEST - on-call alert of Vigie",
    "test": "DO NOW: open the link and confirm that you got this. There is no incident.",
    "test_bare": "Nothing to do: this is a test. There is no incident.",
    "test_who": "{person}, you can be reached this way for the role {role}.",
    "confirm": "CONFIRM: {link}",
    "and": " and ",
    "log_call": "Called: {person} ({role})",
    "log_rise": "Called: {person}, the level rises",
    "log_handover": "Called: {person}, whose shift begins ({role})",
    "log_step": "Called: {person} ({role}), step overdue: {text}",
    "log_unanswered": "Nobody answered. Called: {names}",
}
_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {lang: {key: typeset(text, lang) for key, text in table.items()} for lang, table in (("fr", _FR), ("en", _EN))}
)
ROLES = {
    "community_manager": ("community manager", "community manager"),
    "incident_lead": ("responsable de l’incident", "incident lead"),
    "decision_maker": ("décideur", "decision maker"),
    "spokesperson": ("porte-parole", "spokesperson"),
    "legal": ("juridique", "legal"),
    "customer_care": ("service client", "customer care"),
    "human_resources": ("ressources humaines", "human resources"),
    "scribe": ("main courante", "scribe"),
}


def role_name(role: str, lang: str) -> str:
    """A role as people call it; an unknown one as the settings write it.

    >>> role_name("incident_lead", "fr"), role_name("night_desk", "en")
    ('responsable de l’incident', 'night desk')
    """
    known = ROLES.get(role)
    return known[lang != "fr"] if known else defused(role.replace("_", " "), 40)


def title(raised: AlertRaised, look: Look, page: Page) -> str:
    """One line: how grave, which brand, and whether there is something to do."""
    say = _WORDS["fr" if look.lang == "fr" else "en"]
    usual = render.title(raised, look)
    if page.kind == CallKind.TEST:
        return say["test_title"]
    if page.kind == CallKind.MORNING and len(page.items) > 1:
        return say["morning_title"].format(n=len(page.items))
    if page.kind == CallKind.TAKEN:
        return say["taken_title"].format(who=defused(page.text, 40)) + usual
    if page.kind == CallKind.UNANSWERED:
        return say["unanswered_title"] + usual
    return say["step_title"] + usual if page.kind == CallKind.STEP else usual


def text(raised: AlertRaised, look: Look, told_at_ms: int, page: Page, link: str | None) -> str:
    """The whole message. What is to do stands in the second line, whose turn it is in the third."""
    say = _WORDS["fr" if look.lang == "fr" else "en"]
    head = title(raised, look, page)
    if page.kind == CallKind.TEST:
        who = say["test_who"].format(person=defused(page.person, 40), role=role_name(page.role, look.lang))
        confirm = [say["confirm"].format(link=link)] if link else []
        return "\n".join([head, say["test" if link else "test_bare"], *confirm, who])
    if page.kind == CallKind.MORNING and len(page.items) > 1:
        return "\n".join([head, *_morning(raised, look, told_at_ms, page)])
    if page.kind == CallKind.TAKEN:
        return "\n".join([head, say["taken"].format(who=defused(page.text, 40))])
    if page.kind == CallKind.STEP:
        todo = say["step"].format(text=defused(page.text, 300))
        body = render.text(raised, look, told_at_ms).split("\n")[2:]
        return "\n".join([head, todo, _note(look, told_at_ms, page), *body])
    whole = render.text(raised, look, told_at_ms, link, _note(look, told_at_ms, page))
    return head + "\n" + whole.split("\n", 1)[1]


def short(
    raised: AlertRaised, look: Look, told_at_ms: int, page: Page, chars_max: int = 160, link: str | None = None
) -> str:
    """For an SMS, in the GSM 7-bit alphabet; a link is whole or not there."""
    if page.kind in (CallKind.CALL, CallKind.HANDOVER, CallKind.RISE, CallKind.OVER) or (
        page.kind == CallKind.MORNING and len(page.items) < 2
    ):
        return render.short(raised, look, told_at_ms, chars_max, link)
    if page.kind == CallKind.UNANSWERED:
        say = _WORDS["fr" if look.lang == "fr" else "en"]
        mark = render.gsm7(say["unanswered_title"])
        return mark + render.short(raised, look, told_at_ms, chars_max - len(mark), link)
    lines = text(raised, look, told_at_ms, page, link).split("\n")
    front = render.gsm7(f"{lines[0]}. {lines[1]}")
    if link is None or len(link) + 30 > chars_max:
        return shortened(front, chars_max).replace("…", ".")
    room = chars_max - len(link) - 1
    return f"{shortened(front, room).replace('…', '.')} {link}"


def called(call: Call, page: Page, lang: str) -> str:
    """A call as a line of the incident's log; "" for what the log says already."""
    say = _WORDS["fr" if lang == "fr" else "en"]
    if call.kind is CallKind.UNANSWERED:
        return "" if call.person else say["log_unanswered"].format(names=_listed(page.before, say["and"]) or "-")
    if call.kind in (CallKind.TAKEN, CallKind.OVER, CallKind.TEST):
        return ""
    key = f"log_{call.kind.value}" if call.kind in (CallKind.RISE, CallKind.HANDOVER, CallKind.STEP) else "log_call"
    person, role = defused(call.person, 40), role_name(call.role, lang)
    return say[key].format(person=person, role=role, text=defused(page.text, 200))


def as_dict(page: Page) -> dict[str, Any]:
    """The page as plain data with stable keys."""
    return {
        "person": page.person,
        "role": page.role,
        "kind": page.kind,
        "next_person": page.next_person or None,
        "next_at": None if page.next_at_ms is None else utc(page.next_at_ms),
        "before": list(page.before),
        "step": page.text if page.kind == CallKind.STEP else None,
        "incidents": [item.incident_id for item in page.items],
    }


def _note(look: Look, told_at_ms: int, page: Page) -> str:
    """Whose turn it is, why, and what happens if nobody answers."""
    say = _WORDS["fr" if look.lang == "fr" else "en"]
    person, role = defused(page.person, 40), role_name(page.role, look.lang)
    if page.kind == CallKind.OVER:
        return say["over"]
    if page.kind == CallKind.UNANSWERED:
        names = _listed(page.before, say["and"])
        return say["unanswered"].format(names=names) if names else say["unanswered_nobody"]
    if page.kind == CallKind.STEP:
        return say["step_who"].format(person=person, role=role)
    if page.kind == CallKind.RISE:
        note = say["rise"].format(person=person)
    elif page.kind == CallKind.HANDOVER:
        note = say["handover"].format(person=person, role=role)
    elif page.before:
        silent = say["silent_one" if len(page.before) == 1 else "silent_many"]
        before = silent.format(names=_listed(page.before, say["and"]))
        note = say["after"].format(person=person, role=role, before=before)
    else:
        note = say["call"].format(person=person, role=role)
    if page.next_person and page.next_at_ms is not None and page.next_at_ms > told_at_ms:
        at = hour(page.next_at_ms, look.zone, look.lang, told_at_ms)
        return note + say["next"].format(at=at, next=defused(page.next_person, 40))
    return note + (say["last"] if page.next_at_ms is not None and not page.next_person else "")


def _morning(raised: AlertRaised, look: Look, told_at_ms: int, page: Page) -> list[str]:
    say = _WORDS["fr" if look.lang == "fr" else "en"]
    at = hour(page.next_at_ms or told_at_ms, look.zone, look.lang, told_at_ms)
    lines = [say["morning"].format(at=at), _note(look, told_at_ms, page), ""]
    for i, item in enumerate(page.items, 1):
        lines.append(f"{i}. {item.line}")
        link = look.link_of(item.incident_id, item.seq, told_at_ms) if look.link_of is not None else None
        lines.append(f"   {say['take']} → {link or f'vigie incidents ack {item.incident_id}'}")
    return lines


def _listed(names: tuple[str, ...], last: str) -> str:
    shown = [defused(name, 40) for name in names[:8]]
    return last.join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
