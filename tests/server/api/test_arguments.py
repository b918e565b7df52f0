"""What clients send, in all the ways they write it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import Invalid
from server.api.arguments import Id, Nothing, Paged, Whole, _nested, _pairs, convert


class Option(msgspec.Struct, kw_only=True):
    name: str = ""
    value: str = ""


class Poll(msgspec.Struct, kw_only=True):
    options: list[str] = []
    expires_in: Whole | None = None
    multiple: bool = False


class Sent(msgspec.Struct, kw_only=True):
    status: str = ""
    media_ids: list[Id] = []
    sensitive: bool = False
    in_reply_to_id: Id | None = None
    poll: Poll | None = None
    fields_attributes: list[Option] = []


def form(*items: tuple[str, str]) -> Sent:
    return convert(_nested(list(items)), Sent)


def test_a_list_is_written_with_brackets_with_numbers_or_as_one_value() -> None:
    assert form(("media_ids[]", "1"), ("media_ids[]", "2")).media_ids == [1, 2]
    assert form(("media_ids[1]", "2"), ("media_ids[0]", "1")).media_ids == [1, 2]
    assert form(("media_ids", "7")).media_ids == [7]
    assert convert({"media_ids": ["1", 2]}, Sent).media_ids == [1, 2]
    assert convert({"media_ids": None}, Sent).media_ids == []


def test_objects_nest() -> None:
    sent = form(("poll[options][]", "Ja"), ("poll[options][]", "Nej"), ("poll[expires_in]", "600"))
    assert sent.poll == Poll(options=["Ja", "Nej"], expires_in=600)
    fields = form(("fields_attributes[0][name]", "Web"), ("fields_attributes[0][value]", "https://a.example"))
    assert fields.fields_attributes == [Option(name="Web", value="https://a.example")]
    listed = form(
        ("fields_attributes[][name]", "A"),
        ("fields_attributes[][value]", "1"),
        ("fields_attributes[][name]", "B"),
        ("fields_attributes[][value]", "2"),
    )
    assert [(one.name, one.value) for one in listed.fields_attributes] == [("A", "1"), ("B", "2")]
    as_object = convert({"fields_attributes": {"0": {"name": "A"}, "1": {"name": "B"}}}, Sent)
    assert [one.name for one in as_object.fields_attributes] == ["A", "B"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [("true", True), ("1", True), ("on", True), ("TRUE", True), ("false", False), ("0", False), ("", False)],
)
def test_yes_and_no_have_many_words(word: str, meant: bool) -> None:
    assert form(("sensitive", word)).sensitive is meant


def test_letters_may_stand_in_an_address_as_they_are_or_encoded() -> None:
    assert _pairs("q=løb&type=".encode()) == _pairs(b"q=l%C3%B8b&type=") == [("q", "løb"), ("type", "")]
    for garbage in (b"q=l\xf8b", b"&".join(b"q=1" for _ in range(500))):
        with pytest.raises(Invalid):
            _pairs(garbage)


def test_nothing_said_is_nothing_said() -> None:
    assert form(("in_reply_to_id", "")).in_reply_to_id is None
    assert convert({"in_reply_to_id": None, "status": None, "unknown": 1}, Sent) == Sent()
    assert convert({"status": 5}, Sent).status == "5"


@pytest.mark.parametrize(
    "values",
    [
        {"in_reply_to_id": "abc"},
        {"in_reply_to_id": str(2**63)},
        {"in_reply_to_id": "-1"},
        {"in_reply_to_id": [1]},
        {"sensitive": "maybe"},
        {"status": {"a": 1}},
        {"status": ["a", "b"]},
        {"poll": "x"},
        {"poll": {"expires_in": "1e9999"}},
        {"poll": {"expires_in": 2**31}},
        {"media_ids": "one"},
        {"media_ids": [[1]]},
    ],
)
def test_what_does_not_fit_is_said(values: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        convert(values, Sent)


def test_a_page_is_never_larger_than_allowed() -> None:
    assert convert({"limit": "1000"}, Paged).window(20, 40).limit == 40
    assert convert({"limit": "0"}, Paged).window(20, 40).limit == 1
    assert convert({}, Paged).window(20, 40).limit == 20


NAMES = st.text(st.sampled_from("ab[]01"), max_size=12) | st.text(max_size=8)


@given(st.lists(st.tuples(NAMES, st.text(max_size=5)), max_size=30))
def test_whatever_names_are_sent_it_is_read_or_refused(items: list[tuple[str, str]]) -> None:
    try:
        _nested(items)
    except Invalid:
        return


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(list(Sent.__struct_fields__)), ANYTHING))
def test_whatever_values_are_sent_they_fit_or_are_refused(values: dict[str, Any]) -> None:
    for kind in (Sent, Paged, Nothing):
        try:
            convert(values, kind)
        except Invalid:
            continue
