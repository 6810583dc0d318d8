"""A file comes as it lies if it is in order within the bound, else sorted by time; and goes on from any position."""

from __future__ import annotations

import gzip
import tempfile
from itertools import accumulate
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.batch import Batch
from streams.files import FileParams, FileSource
from tests.infra.sources import drained, ids, record, records, rejects, stamp


@settings(max_examples=60, deadline=None)
@given(
    times_s=st.lists(st.integers(0, 50) | st.none(), max_size=25),
    lateness_s=st.integers(0, 50),
    size=st.integers(1, 7),
    polls=st.integers(1, 5),
    packed=st.booleans(),
)
def test_order(times_s: list[int | None], lateness_s: int, size: int, polls: int, packed: bool) -> None:
    content = b"".join(
        (b"broken" if at_s is None else record(i, created_at=stamp(at_s))) + b"\n" for i, at_s in enumerate(times_s)
    )
    good = [(at_s, i) for i, at_s in enumerate(times_s) if at_s is not None]
    newest = accumulate((at_s for at_s, _ in good), max)
    disorder_s = max((top - at_s for top, (at_s, _) in zip(newest, good, strict=True)), default=0)
    expected = [i for _, i in (sorted(good) if disorder_s > lateness_s else good)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mentions.ndjson")
        path.write_bytes(gzip.compress(content) if packed else content)
        params = FileParams(str(path), lateness_ms=lateness_s * 1000)

        source = FileSource(params)
        whole = drained(source, len(times_s), size)
        assert ids(whole) == expected
        assert rejects(whole) == times_s.count(None)
        assert source.sorted_by_time == (disorder_s > lateness_s)

        begun = FileSource(params)
        first: list[Batch] = [begun.poll(size, 0) for _ in range(polls)]
        begun.close()
        rest = FileSource(params)
        rest.seek({c.partition: c.position for b in first for c in b.cursors})
        again = first + drained(rest, len(times_s) - records(first), size)
        assert ids(again) == expected
        assert rejects(again) == times_s.count(None)
