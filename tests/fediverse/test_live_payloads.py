"""What a real GoToSocial sent in the run of `test_gotosocial.py`: all of it is language we speak.

To record it anew: `TORV_TEST_KEEP=tests/fediverse/payloads/gotosocial-0.20.0-rc1-live.jsonl` with that test.
"""

import pytest

from federation.handlers import HANDLERS
from federation.reading import activities, decode
from tests.fediverse.recordings import PAYLOADS

LINES = (PAYLOADS / "gotosocial-0.20.0-rc1-live.jsonl").read_bytes().splitlines()


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_an_activity_of_a_live_run_is_read_and_has_a_handler(line: bytes) -> None:
    read = activities.activity(decode(line))
    assert read.type in HANDLERS
    assert read.actor == f"https://gts.torv.test/users/{read.actor.rpartition('/')[2]}"
    assert read.id.startswith("https://gts.torv.test/")


def test_the_run_held_every_kind_of_thing_it_can_do() -> None:
    kinds = {activities.activity(decode(line)).type for line in LINES}
    assert kinds >= {"Follow", "Accept", "Reject", "Create", "Update", "Delete", "Undo"}
