"""`vigie drafts` and `vigie audit` at the command line, from facts to an approved text and a whole log."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update

from engine.domain.incident import Level
from ops.settings import Settings
from ops.store import Store, tables
from ops.watched import Brand
from tests.infra.cli import Ended
from tests.infra.cli import vigie as run
from tests.infra.sample_alerts import incident
from tests.unit.test_drafting import TEXTS, Desk


@pytest.fixture
def db(tmp_path: Path) -> str:
    path = tmp_path / "vigie.db"
    with Store.open(path) as store:
        desk = Desk(store, Settings(brands=(Brand(name="Vélorine", langs=("fr",)),)))
        desk.happens(incident(Level.ORANGE, texts=TEXTS))
        desk.facts()
    return str(path)


Call = Callable[..., Ended]


@pytest.fixture
def vigie(db: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *words, at=db: run(capsys, monkeypatch, *words, "--db", at)


def listed(vigie: Call) -> list[dict[str, object]]:
    ended = vigie("drafts", "list", "inc-2025", "--json")
    assert ended.code == 0, ended.err
    rows: list[dict[str, object]] = json.loads(ended.out)
    return rows


def test_from_a_list_to_an_approved_and_published_text(vigie: Call) -> None:
    rows = listed(vigie)
    holding = next(r for r in rows if (r["kind"], r["network"], r["reply_to"]) == ("holding", "x", None))
    id_ = str(holding["id"])
    assert (holding["needed"], holding["state"], holding["missing"]) == (2, "draft", [])
    told = vigie("drafts", "show", id_[:7])
    assert "signes sur 280 (x)" in told.out
    assert str(holding["text"])[:40] in told.out
    assert "0 sur 2" in told.out
    first = vigie("drafts", "approve", id_, "--by", "Camille", "--hash", str(holding["text_hash"]))
    assert "encore 1 approbation" in first.out
    assert vigie("drafts", "approve", id_, "--by", "camille").code == 2
    second = vigie("drafts", "approve", id_, "--by", "Sacha")
    assert second.code == 0
    head = second.out.split()[-1]
    published = vigie("drafts", "published", id_, "--by", "Sacha", "--url", "https://social.example/1")
    assert published.code == 0
    whole = vigie("audit", "verify", "--head", head)
    assert (whole.code, whole.out.partition(",")[0]) == (0, f"{whole.out.split()[0]} rows")
    log = vigie("audit", "list", id_).out.splitlines()
    assert [line.split()[4] for line in log] == ["draft.approved", "draft.approved", "draft.published"]


def test_a_bent_log_ends_with_one(vigie: Call, db: str) -> None:
    id_ = str(next(r for r in listed(vigie) if r["kind"] == "holding" and r["network"] == "x")["id"])
    vigie("drafts", "approve", id_, "--by", "Camille")
    with Store.open(db) as store, store._database.write() as connection:
        connection.execute(update(tables.audit).values(actor="Personne"))
    bent = vigie("audit", "verify")
    assert (bent.code, "changed since it was written" in bent.out) == (1, True)


def test_edit_and_reject(vigie: Call, tmp_path: Path) -> None:
    id_ = str(next(r for r in listed(vigie) if r["kind"] == "holding" and r["network"] == "x")["id"])
    file = tmp_path / "answer.txt"
    file.write_text("Bad buzz chez nous.\n", encoding="utf-8")
    assert "expression bannie" in vigie("drafts", "edit", id_, "--file", str(file), "--by", "Camille").out
    refused = vigie("drafts", "approve", id_, "--by", "Camille")
    assert (refused.code, "is blocked" in refused.err) == (2, True)
    assert "écarté" in vigie("drafts", "reject", id_, "--reason", "trop froid", "--by", "Camille").out
    assert vigie("drafts", "edit", id_, "--by", "Camille").code == 2
    assert vigie("drafts", "show", "d-zzzz").code == 2
    assert "drafting.llm is not set" in vigie("drafts", "reword", id_, "--by", "Camille").err
