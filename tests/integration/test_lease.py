"""One process of a kind on a store: who waits takes over, who was frozen writes nothing any more."""

from __future__ import annotations

import threading

import pytest

from engine.domain.effects import IncidentSaved, PlanMade
from engine.domain.errors import FencedError
from engine.domain.incident import Level
from engine.domain.playbook import BrandVoice, PlanRequest
from ops.runs import RunKeeper, RunRules
from ops.store import Store
from ops.store.lease import Lease
from playbooks.catalogue import HERE, Catalogue, load_voices, read_playbook
from playbooks.planner import CataloguePlanner
from playbooks.running import Act
from tests.infra.sample_alerts import incident


def lease_of(store: Store, by: str, now_s: list[float]) -> Lease:
    return Lease(store._database, "desk", by, lambda: now_s[0], lease_s=9.0)


def test_one_holds_it_and_the_other_waits_until_the_beat_stands_still(place: str) -> None:
    now_s = [100.0]
    with Store.open(place) as one, Store.open(place) as two:
        first, second = lease_of(one, "desk-1", now_s), lease_of(two, "desk-2", now_s)
        assert (first.try_take(), second.try_take()) == (True, False)
        assert second.holder == "desk-1"
        for _ in range(5):
            now_s[0] += 8.0
            first.renew()
            assert not second.try_take()
        now_s[0] += 8.9
        assert not second.try_take()
        second.forget()  # the store was away
        now_s[0] += 0.2
        assert not second.try_take()
        now_s[0] += 9.0
        assert second.try_take()
        assert (first.epoch, second.epoch) == (1, 2)
        for write in (first.renew, lambda: one.set_meta("a", "b"), one.beat, lambda: one.take(["http"])):
            with pytest.raises(FencedError, match="another process is the desk"):
                write()
        two.set_meta("a", "c")
        assert one.get_meta()["a"] == "c", "reading is allowed"


def test_who_gives_it_up_leaves_it_to_the_next_at_once(place: str) -> None:
    now_s = [100.0]
    with Store.open(place) as one, Store.open(place) as two:
        first, second = lease_of(one, "desk-1", now_s), lease_of(two, "desk-2", now_s)
        assert first.try_take()
        assert not second.try_take()
        first.release()
        assert second.try_take()
        one.set_meta("a", "b")  # it holds nothing, so it is fenced by nothing
        assert not first.try_take()


def test_of_many_that_want_it_one_gets_it(place: str) -> None:
    stores = [Store.open(place) for _ in range(4)]
    begin = threading.Barrier(len(stores))
    taken: list[bool] = []

    def want(i: int) -> None:
        begin.wait()
        taken.append(stores[i].lease("desk", f"desk-{i}").try_take())

    threads = [threading.Thread(target=want, args=(i,)) for i in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert sorted(taken) == [False, False, False, True]


def test_programs_that_change_one_run_overwrite_nothing(place: str) -> None:
    """An engine, a ticker and people, each with a store of its own, as in several processes."""
    playbook = read_playbook(HERE / "catalogue" / "outage.yaml").playbook
    request = PlanRequest("i", BrandVoice("Nordalia"), Level.ORANGE, (("outage", 60),), 80, ("x",), lang="en")
    made = CataloguePlanner(Catalogue({"outage": playbook}, load_voices())).plan(request)
    found = incident(Level.ORANGE)
    with Store.open(place, clock_ms=lambda: 1_000) as store:
        store.also(RunKeeper(store, RunRules(lang="en")).on_effects)
        store.apply([PlanMade(found.id, 1_000, made), IncidentSaved(found)])
        run = RunKeeper(store, RunRules(lang="en")).act(found.id, Act("done", "Inès", "acknowledge"))
        steps = [step.id for step in run.steps if step.state.value == "due"]
    assert len(steps) > 1
    begin = threading.Barrier(len(steps) + 2)

    def act_on(step: str) -> None:
        with Store.open(place, clock_ms=lambda: 2_000) as mine:
            begin.wait()
            RunKeeper(mine, RunRules(lang="en")).act(found.id, Act("claim", f"Camille {step}", step))

    def tick() -> None:
        with Store.open(place, clock_ms=lambda: 2_000) as mine:
            begin.wait()
            RunKeeper(mine, RunRules(lang="en")).tick(1_000 + 90 * 60_000)

    def step_of_engine() -> None:
        with Store.open(place, clock_ms=lambda: 2_000) as mine:
            mine.also(RunKeeper(mine, RunRules(lang="en")).on_effects)
            begin.wait()
            for _ in range(5):
                mine.apply([PlanMade(found.id, 2_000, made), IncidentSaved(found)])

    threads = [threading.Thread(target=act_on, args=(step,)) for step in steps]
    threads += [threading.Thread(target=tick), threading.Thread(target=step_of_engine)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Store.open(place) as store:
        run = store.runs.run(found.id)
        assert run is not None
        owners = {step.id: step.owner for step in run.steps}
        assert {step: owners[step] for step in steps} == {step: f"Camille {step}" for step in steps}
        told = [event.step for event in store.runs.timeline(found.id) if event.kind == "overdue"]
        assert len(told) == len(set(told)) >= len(steps)
