"""vigie.yaml: what is understood, what is refused, and how well the refusal explains itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest

from engine.domain.errors import ConfigError
from ops.settings import Brand, Settings, json_schema, load_settings, parse_settings
from ops.yaml_file import NODES_MAX, parse_yaml

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "vigie.yaml"


def settings(text: str | bytes, environ: Mapping[str, str] | None = None) -> Settings:
    raw = text.encode() if isinstance(text, str) else text
    return parse_settings(parse_yaml(raw, "v.yaml"), Path("/srv/vigie"), environ or {})


def refusal(text: str | bytes, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        settings(text, environ)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_example_is_valid_for_us_and_for_editors() -> None:
    loaded = load_settings(EXAMPLE, {})
    assert [brand.name for brand in loaded.brands] == ["Nordalia", "Vélorine"]
    assert loaded.brands[1].form == "tu"
    jsonschema.validate(parse_yaml(EXAMPLE.read_bytes(), "v.yaml").data, json_schema())


def test_an_empty_file_is_all_defaults() -> None:
    assert settings("") == settings("# nothing\n")
    assert settings("").detection.false_alarms_per_week == 0.25
    assert settings("").sources.http is not None


def test_yaml_1_2_keeps_texts_as_texts() -> None:
    brand = settings("brands:\n  - {name: no, facts: {at: 22:30, day: 2026-03-01, ok: yes}}\n").brands[0]
    assert brand.name == "no"
    assert brand.facts == {"at": "22:30", "day": "2026-03-01", "ok": "yes"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "brands:\n  - name: N\n    handels: [a]\n",
            "v.yaml:3:5: brands[0].handels: unknown setting; did you mean 'handles'?",
        ),
        ("zzz: 1", "v.yaml:1:1: zzz: unknown setting; known here: database,"),
        ("brands:\n  - name: 1664\n", "v.yaml:2:5: brands[0].name: expected text; put it between quotes"),
        ("brands:\n  - {name: N, facts: {hotline: 0800}}\n", "facts.hotline: expected text; put it between quotes"),
        ("brands: x", "v.yaml:1:1: brands: expected a list"),
        ("brands:\n  - langs: [fr]\n", "v.yaml:2:5: brands[0].name: missing"),
        ("brands: [{name: Nordalia}, {name: nordalia}]", "two brands are called 'nordalia'"),
        ("lang: de", "v.yaml:1:1: lang: input should be 'fr' or 'en'"),
        ("lang: fr\ntimezone: Europe/Pari", "v.yaml:2:1: timezone: 'Europe/Pari' is no time zone"),
        ("timezone: ../../etc/passwd", "is no time zone"),
        ("detection:\n  lateness_s: 5\n  bin_s: 0\n", "v.yaml:3:3: detection.bin_s: input should be greater than"),
        ("detection: {false_alarms_per_week: .nan}", "detection.false_alarms_per_week"),
        ("detection: 5", "v.yaml:1:1: detection: expected `key: value` lines here"),
        ("sources: {http: {host: 0.0.0.0}}", "listening on 0.0.0.0 is open to others: set token_env"),
        ("sources: {http: {token: abc}}", "sources.http.token: unknown setting; did you mean 'token_env'?"),
        ("sources: {kafka: {topics: [a]}}", "sources.kafka.bootstrap_servers: missing"),
        ("sources: {kafka: {bootstrap_servers: [a], security_protocol: SASL_SSL}}", "SASL_SSL needs sasl_mechanism"),
        ("metrics: {host: 0.0.0.0, port: 9100}", "set allow_public: true to agree"),
        (
            "alerts:\n  channels:\n    - {name: a, type: webhok}\n",
            "v.yaml:3:17: alerts.channels[0].type: unknown kind of channel",
        ),
        ("alerts:\n  channels:\n    - {name: a}\n", "alerts.channels[0].type: missing; write console, apprise"),
        (
            "alerts: {channels: [{name: a, type: console, level_min: gelb}]}",
            "alerts.channels[0].level_min: input should be",
        ),
        (
            "alerts: {channels: [{name: a, type: apprise}]}",
            "set url_env or url_file: an apprise address holds a secret",
        ),
        (
            "alerts: {channels: [{name: a, type: apprise, url: 'mailto://u:p@h'}]}",
            "alerts.channels[0].url: unknown setting",
        ),
        ("alerts: {channels: [{name: a, type: webhook, url: 'http://h.example'}]}", "the url is not https"),
        ("alerts: {channels: [{name: a, type: webhook, url: 'https://u:p@h.example'}]}", "would stand in clear"),
        (
            "alerts: {channels: [{name: a, type: webhook, url: 'file:///etc/passwd'}]}",
            "starts with https:// or http://",
        ),
        (
            "brands: [{name: Nordalia}]\nalerts: {channels: [{name: a, type: console, brands: [Nordali]}]}",
            "the brand 'Nordali', which is not listed; did you mean 'Nordalia'?",
        ),
        ("database: postgresql://u:hunter2@db/vigie", "put the address into VIGIE_DATABASE_URL"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, expected: str) -> None:
    message = refusal(text)
    assert expected in message
    assert message.startswith("v.yaml")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"a: [1, 2\nb: 3", "v.yaml:2:2: not valid YAML"),
        (b"lang: fr\n\tx: 1", "v.yaml:2:1: not valid YAML"),
        (b"lang: fr\nlang: en", "v.yaml:2:1: not valid YAML: found duplicate key"),
        (b"\x00abc", "not valid YAML"),
        (b"lang: fr\nx: \xff\xfe", "v.yaml:2: not UTF-8 text"),
        (b"- a", "v.yaml:1:1: expected `key: value` lines, found a list"),
        (b"just words", "v.yaml:1:1: expected `key: value` lines, found a text"),
        (b"1: 2", "v.yaml:1:1: the key 1 is not text"),
        (b"lang: !!python/object/apply:os.system [id]", "v.yaml:1:1: lang: input should be"),
        (b"[" * 100_000, "levels deep"),
        (b"a: &a [*a]", ""),
    ],
)
def test_a_broken_file_is_one_line(raw: bytes, expected: str) -> None:
    assert expected in refusal(raw)


def test_aliases_work_and_their_bombs_do_not() -> None:
    twins = settings("brands:\n - &b {name: A, langs: [fr]}\n - {<<: *b, name: B}\n").brands
    assert [(brand.name, brand.langs) for brand in twins] == [("A", ("fr",)), ("B", ("fr",))]
    rows = ["x0: &x0 [" + ",".join("1" * 9) + "]"]
    rows += [f"x{i}: &x{i} [" + ",".join([f"*x{i - 1}"] * 9) + "]" for i in range(1, 7)]
    assert f"more than {NODES_MAX}" in refusal("\n".join(rows))
    assert "more than 64 aliases" in refusal("a: &a 1\nb: [" + ",".join(["*a"] * 65) + "]")


def test_a_missing_or_huge_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_settings(tmp_path / "none.yaml")
    (tmp_path / "big.yaml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigError, match="larger than"):
        load_settings(tmp_path / "big.yaml")


def test_paths_start_at_the_file_and_the_environment_wins_for_the_database(tmp_path: Path) -> None:
    path = tmp_path / "vigie.yaml"
    path.write_text(
        "database: data/v.db\nsources: {files: [{path: m.ndjson}]}\nplaybooks: {directories: [mine, /abs]}\n"
    )
    loaded = load_settings(path, {})
    assert loaded.database_url == f"sqlite:///{tmp_path}/data/v.db"
    assert loaded.sources.files[0].path == tmp_path / "m.ndjson"
    assert loaded.playbooks.directories == (tmp_path / "mine", Path("/abs"))
    other = load_settings(path, {"VIGIE_DATABASE_URL": "postgresql://u:hunter2@db/v"})
    assert other.database_url == "postgresql://u:hunter2@db/v"
    assert "hunter2" not in repr(other)


def test_secrets_are_read_when_asked_for_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    http = settings(f"sources: {{http: {{token_env: T, token_file: {tmp_path}/token, secret_env: S}}}}").sources.http
    assert http is not None
    token = http.token({"T": "from-env"})
    assert token is not None
    assert token.get_secret_value() == "from-env"
    assert "from-env" not in repr(token)
    again = http.token({})
    assert again is not None
    assert again.get_secret_value() == "from-file"
    with pytest.raises(ConfigError, match=r"sources\.http\.secret: the environment variable S is not set"):
        http.secret({})


def test_the_budget_of_a_brand_and_its_voice() -> None:
    made = Settings(brands=(Brand(name="A", false_alarms_per_week=0.05, facts={"a": "b"}), Brand(name="B")))
    assert (made.budget("A"), made.budget("B"), made.budget("unheard of")) == (0.05, 0.25, 0.25)
    assert made.brands[0].voice().facts == (("a", "b"),)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings("").lang = "en"
