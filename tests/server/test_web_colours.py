"""A municipality's colour, made readable."""

from hypothesis import given
from hypothesis import strategies as st

from server.web import colours
from server.web.colours import DARK_GROUNDS, LEAST, LIGHT_GROUNDS, contrast, read

ANY_COLOUR = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_is_that_of_wcag() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == 21
    assert contrast((119, 119, 119), (255, 255, 255)) < 4.5 < contrast((118, 118, 118), (255, 255, 255))


@given(ANY_COLOUR)
def test_whatever_is_chosen_can_be_read_in_light_and_in_dark(chosen: str) -> None:
    for tones, grounds in zip(colours.tones(chosen), (LIGHT_GROUNDS, DARK_GROUNDS), strict=True):
        accent, deep, soft = (read(tones[name]) for name in ("--accent", "--accent-deep", "--accent-soft"))
        for ground in (*grounds, soft):
            assert contrast(accent, ground) >= LEAST
            assert contrast(deep, ground) >= LEAST
        assert contrast(read(tones["--on-accent"]), accent) >= LEAST
        assert contrast(read(tones["--on-accent"]), deep) >= LEAST


def test_a_colour_that_can_be_read_stays_as_it_was_chosen() -> None:
    assert colours.tones("#0b5d5e")[0]["--accent"] == "#0b5d5e"
