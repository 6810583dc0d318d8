"""`vigie check`: read the settings as the service would, and say what they come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.domain.errors import ConfigError, InputError

if TYPE_CHECKING:
    from ops.channels import Channel
    from ops.settings import Settings

EVENT_DAYS = 30
EVENTS_SHOWN_MAX = 20


def check(
    config: Annotated[Path, typer.Option("--config", "-c", help="The settings file.", show_default=True)] = Path(
        "vigie.yaml"
    ),
) -> None:
    """Check a settings file, the secrets that it names and the playbooks that it adds.

    Example: `vigie check -c vigie.yaml`
    """
    from ops.settings import load_settings

    settings = load_settings(config)
    problems: list[str] = []
    for title, lines in (
        ("brands", _brands(settings, problems)),
        ("events", _events(settings, problems)),
        ("text", _text(settings, problems)),
        ("detection", _detection(settings, problems)),
        ("sources", _sources(settings, problems)),
        ("alerts", _alerts(settings, problems)),
        ("on call", _oncall(settings, problems)),
        ("playbooks", _playbooks(settings, problems)),
        ("runs", _runs(settings, problems)),
        ("database", _database(settings, problems)),
    ):
        for i, line in enumerate(lines):
            typer.echo(f"{'' if i else title:<11}{line}")
    if problems:
        for problem in problems[:-1]:
            typer.echo(f"vigie: {config}: {problem}", err=True)
        raise ConfigError(f"{config}: {problems[-1]}")
    typer.echo(f"{config}: all well")


def _brands(settings: Settings, problems: list[str]) -> Iterator[str]:
    from engine.core.match import Matcher
    from ops.app import brand_configs

    try:
        Matcher(brand_configs(settings))
    except ConfigError as error:
        problems.append(str(error))
    for brand in settings.brands:
        names = 1 + len(brand.aliases) + len(brand.handles) + len(brand.keywords)
        langs = ", ".join(brand.langs)
        budget = f"{settings.budget(brand.name):g} false alarms a week"
        yield f"{brand.name}: found by {_n(names, 'name')}, {langs}, {len(brand.facts)} approved facts, {budget}"
    if not settings.brands:
        yield "none yet: only mentions that name their brand themselves are watched, with default settings"


def _events(settings: Settings, problems: list[str]) -> Iterator[str]:
    """Those of the next days, the ones that go on now among them."""
    import time
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from ops.planned import planned_events

    now_s, zone = time.time(), ZoneInfo(settings.timezone)
    try:
        events = planned_events(settings, now_s)
    except ConfigError as error:
        problems.append(str(error))
        return
    coming = sorted(
        (e for e in events if e.end_s > now_s and e.start_s < now_s + EVENT_DAYS * 86_400), key=lambda e: e.start_s
    )
    for event in coming[:EVENTS_SHOWN_MAX]:
        start, end = (datetime.fromtimestamp(s, zone).strftime("%Y-%m-%d %H:%M") for s in (event.start_s, event.end_s))
        brands = ", ".join(event.brands) or "all brands"
        yield f"{event.name}: {start} to {end}, {event.ratio:g} times the usual negatives expected, {brands}"
    if len(coming) > EVENTS_SHOWN_MAX:
        yield f"and {len(coming) - EVENTS_SHOWN_MAX} more in the next {EVENT_DAYS} days"
    if not coming:
        yield f"none in the next {EVENT_DAYS} days" if events else "none planned"


def _text(settings: Settings, problems: list[str]) -> Iterator[str]:
    """The backend and the languages. A model is looked at, not opened: `vigie doctor` has it read a text."""
    from detectors.text.tables import shipped
    from ops.app import brand_configs, spoken_langs

    text = settings.text
    brands = brand_configs(settings)
    told = ", ".join(spoken_langs(text, brands))
    if text.backend == "onnx" and text.model_dir is not None:
        from detectors.text.onnx_scorer import check_folder

        try:
            check_folder(text.model_dir)
        except ConfigError as error:
            problems.append(str(error))
        yield f"transformer in {text.model_dir}, {_n(text.threads, 'thread')}, {_n(text.texts_a_run, 'text')} a run"
    else:
        yield f"linear tables ({', '.join(shipped())})"
    yield f"languages told apart: {told}"


def _detection(settings: Settings, problems: list[str]) -> Iterator[str]:
    detection = settings.detection
    name = _detector(detection.detector, detection.detector_params)
    yield f"{name}, bins of {detection.bin_s} s, mentions may come {detection.lateness_s} s late"
    for brand in settings.brands:
        if brand.detector is not None:
            yield f"{brand.name}: {_detector(brand.detector, brand.detector_params)}"


def _detector(name: str, params: dict[str, Any]) -> str:
    from detectors.params import flat

    given = ", ".join(f"{key} {value}" for key, value in flat(params))
    return f"{name} ({given})" if given else name


def _sources(settings: Settings, problems: list[str]) -> Iterator[str]:
    sources = settings.sources
    if sources.http is not None:
        guards = [
            text
            for text, read in (("token", sources.http.token), ("signature", sources.http.secret))
            if _secret(read, problems)
        ]
        yield f"http on {sources.http.host}:{sources.http.port}, asks for {' or '.join(guards) or 'nothing'}"
    for file in sources.files:
        yield f"file {file.path}{'' if file.path.exists() else ' (not there yet)'}"
    if sources.stdin:
        yield "standard input"
    if sources.kafka is not None:
        _secret(sources.kafka.username, problems)
        _secret(sources.kafka.password, problems)
        yield f"kafka {', '.join(sources.kafka.topics)} at {', '.join(sources.kafka.bootstrap_servers)}"
    if sources.http is None and not (sources.files or sources.stdin or sources.kafka):
        problems.append("sources: none, so nothing would come in; set http, files, stdin or kafka")


def _alerts(settings: Settings, problems: list[str]) -> Iterator[str]:
    for channel in settings.alerts.channels:
        for read in _channel_secrets(channel):
            _secret(read, problems)
        brands = ", ".join(channel.brands) or "all brands"
        yield f"{channel.name} ({channel.type}): {brands}, from {channel.level_min}"
    if not settings.alerts.channels:
        problems.append("alerts.channels: empty, so nobody would be told; list at least one channel")


def _channel_secrets(channel: Channel) -> Iterator[Callable[[], object]]:
    if channel.type in ("apprise", "slack", "teams"):
        yield channel.url
    elif channel.type == "webhook":
        yield channel.secret
    elif channel.type == "pagerduty":
        yield channel.key


def _oncall(settings: Settings, problems: list[str]) -> Iterator[str]:
    from ops.oncall.checking import summary, troubles
    from ops.store.store import wall_clock_ms

    for person in settings.people.values():
        for contact in person.contacts:
            for read in _channel_secrets(contact):
                _secret(read, problems)
    _secret(settings.oncall.link_secret, problems)
    if settings.oncall.deadman is not None:
        _secret(settings.oncall.deadman.url, problems)
    problems += troubles(settings, wall_clock_ms())
    yield from summary(settings)


def _playbooks(settings: Settings, problems: list[str]) -> Iterator[str]:
    from playbooks.catalogue import load_catalogue

    try:
        shipped = load_catalogue()
        whole = load_catalogue(settings.playbooks.directories)
    except InputError as error:
        problems.append(str(error))
        return
    own = [name for name, playbook in whole.playbooks.items() if shipped.playbooks.get(name) != playbook]
    yield f"{', '.join(whole.playbooks)}" + (f"; your own: {', '.join(own)}" if own else "")
    asked = {fact for playbook in whole.playbooks.values() for fact in playbook.facts}
    for brand in settings.brands:
        idle = sorted(set(brand.facts) - asked)
        if idle:
            yield f"{brand.name}: no playbook asks for {', '.join(idle)}"


def _runs(settings: Settings, problems: list[str]) -> Iterator[str]:
    """Who holds a role where no rota says so, and the freeze of scheduled posts."""
    from playbooks.catalogue import load_catalogue
    from playbooks.schema import suggestion

    try:
        playbooks = load_catalogue(settings.playbooks.directories).playbooks.values()
    except InputError:  # told above
        playbooks = ()  # type: ignore[assignment]
    asked = {role for playbook in playbooks for role in playbook.roles}
    for role, people in settings.roles.items():
        hint = "" if role in asked else f" (no playbook asks for it{suggestion(role, asked)})"
        yield f"{role}: {', '.join(people) or 'nobody'}{hint}"
    freeze = settings.freeze
    if freeze is not None:
        signed = "signed" if _secret(freeze.secret, problems) else "not signed"
        when = "by hand only" if freeze.automatic_from == "never" else f"by itself from {freeze.automatic_from}"
        yield f"freeze of scheduled posts by webhook, {signed}, {when}"
    elif not settings.roles:
        yield "no roles of your own, no freeze webhook"


def _database(settings: Settings, problems: list[str]) -> Iterator[str]:
    if "://" in settings.database:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            yield make_url(settings.database).render_as_string(hide_password=True)
        except ArgumentError:
            problems.append("database: neither a path nor an address that SQLAlchemy understands")
        return
    folder = Path(settings.database).parent
    if not folder.is_dir():
        problems.append(f"database: the folder {folder} is not there; make it, or name another")
    elif not _writable(folder):
        problems.append(f"database: nothing can be written in {folder}; change its rights, or name another")
    yield settings.database


def _writable(folder: Path) -> bool:
    """Whether a file can be made there: the only sure way to know is to make one."""
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _secret(read: Callable[[], object], problems: list[str]) -> bool:
    try:
        return read() is not None
    except ConfigError as error:
        problems.append(str(error))
        return True


def _n(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
