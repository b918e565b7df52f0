"""How passwords are kept. The other tests hash them in no time (`tests/conftest.py`)."""

from models import accounts

HASHER = accounts._hasher


def test_a_password_is_kept_as_a_hash_that_takes_time_and_memory_to_try() -> None:
    hashed = HASHER.hash("torvet-er-aabent")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert HASHER.verify(hashed, "torvet-er-aabent")
