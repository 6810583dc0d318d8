"""What is made from other files and committed is current."""

from __future__ import annotations

from playbooks import catalogue, compiled
from playbooks.catalogue import HERE, compile_catalogue


def test_the_compiled_catalogue_is_current(monkeypatch, tmp_path) -> None:
    committed = compiled.PATH.read_bytes()
    monkeypatch.setattr(compiled, "PATH", tmp_path / "catalogue.json")
    compile_catalogue()
    assert (tmp_path / "catalogue.json").read_bytes() == committed, "run `make generate`"


def test_yaml_and_json_give_the_same_playbooks() -> None:
    from_yaml = catalogue._read_dir(HERE / "catalogue")
    assert dict(catalogue._shipped()) == from_yaml
    assert compiled.read(catalogue._sources()) is not None
