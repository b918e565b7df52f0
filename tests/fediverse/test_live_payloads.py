"""What real servers sent in runs of `test_gotosocial.py` and `test_piefed.py`: all of it is language we speak.

To record one anew: `TORV_TEST_KEEP=tests/fediverse/payloads/gotosocial-0.20.0-rc1-live.jsonl` with that test.
"""

from collections.abc import Iterator

import pytest

from federation.handlers import HANDLERS
from federation.reading import ActivityIn, activities, decode
from tests.fediverse.recordings import PAYLOADS

RUNS = {
    "gotosocial-0.20.0-rc1": ("https://gts.torv.test/", {"Follow", "Accept", "Reject", "Create", "Update", "Delete", "Undo"}),
    "piefed-1.6.18": (
        "https://piefed.torv.test/",
        {"Follow", "Accept", "Create", "Update", "Delete", "Undo", "Announce", "Like", "ChooseAnswer", "PollVote", "Flag",
         "Block", "Add", "Remove"},
    ),
}  # fmt: skip
LINES = [
    pytest.param(origin, line, id=f"{name}-{number}")
    for name, (origin, _) in RUNS.items()
    for number, line in enumerate((PAYLOADS / f"{name}-live.jsonl").read_bytes().splitlines())
]


def said(line: bytes) -> Iterator[ActivityIn]:
    """The activity of a line, and what it wraps."""
    read = activities.activity(decode(line))
    yield read
    if read.type == "Announce" and read.object is not None:
        yield activities.activity(read.object)


@pytest.mark.parametrize(("origin", "line"), LINES)
def test_an_activity_of_a_live_run_is_read_and_has_a_handler(origin: str, line: bytes) -> None:
    for read in said(line):
        assert read.type in HANDLERS
        assert read.actor.startswith(origin)
        assert read.id.startswith(origin)


@pytest.mark.parametrize("name", RUNS)
def test_the_run_held_every_kind_of_thing_it_can_do(name: str) -> None:
    lines = (PAYLOADS / f"{name}-live.jsonl").read_bytes().splitlines()
    assert {read.type for line in lines for read in said(line)} >= RUNS[name][1]
