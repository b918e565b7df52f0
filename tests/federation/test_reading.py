"""Reading what strangers send: bytes to one object or a refusal, loose JSON to values with types."""

import contextlib
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation import reading, signatures
from federation.reading import Unreadable
from federation.reading.values import ids, moment, one_id, page_address, web_address
from federation.vocabulary import PUBLIC
from tests import keys

NOTE = {
    "id": "https://m.example/notes/1",
    "type": "Note",
    "attributedTo": "https://m.example/users/jonas",
    "content": "<p>Hej</p>",
    "to": [PUBLIC],
}
ACTOR = {
    "id": "https://m.example/users/jonas",
    "type": "Person",
    "preferredUsername": "jonas",
    "inbox": "https://m.example/users/jonas/inbox",
}


def note(**more: Any) -> reading.ObjectIn:
    return reading.note({**NOTE, **more})


# Bytes


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"a":' * 70 + b"1" + b"}" * 70,
        b"[]",
        b"null",
        b'"text"',
        b"",
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 1, "a": 2}',
        b'{"b": {"a": 1, "a": 2}}',
        b'{"a": "\\u0000"}',
        b'{"\\u0000": 1}',
        b'{"a": "\\ud800"}',
        b'{"a": ["x", "\\udfff"]}',
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
        "{}".encode("utf-16"),
        b'{"a": "' + b"x" * 1_000_000 + b'"}',
        b"{" + b",".join(b'"k%d":1' % at for at in range(110_000)) + b"}",
        b"[" + b"{}," * 60_000 + b"{}]",
        b"[" * 100 + b'"' + b'\\"' * 400_000,
        b"[" * 100 + b'"' + b'\\"' * 400_000 + b"\\",
    ],
    ids=range(26),
)
def test_what_could_be_read_in_two_ways_or_only_at_great_cost_is_refused_at_once(body: bytes) -> None:
    start = time.process_time()
    with pytest.raises(Unreadable):
        reading.decode(body)
    assert time.process_time() - start < 2


def test_ordinary_json_is_read_whatever_is_escaped_in_it() -> None:
    doc = reading.decode(
        '{"a": "\\\\u0000 [[[[ \\"{", "b": "\\ud83d\\ude00", "c": [1, -0.5, true, null], "æ": {}}'.encode()
    )
    assert doc == {"a": '\\u0000 [[[[ "{', "b": "😀", "c": [1, -0.5, True, None], "æ": {}}


@given(st.binary(max_size=300))
def test_no_bytes_bring_anything_but_an_object_or_a_refusal(body: bytes) -> None:
    with contextlib.suppress(Unreadable):
        assert isinstance(reading.decode(body), dict)


# Values


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("https://m.example/1", "https://m.example/1"),
        ({"id": "https://m.example/1", "type": "Note"}, "https://m.example/1"),
        (["https://m.example/1"], "https://m.example/1"),
        (["https://m.example/1", "https://m.example/2"], ""),
        ([["https://m.example/1"]], ""),
        (None, ""),
        (7, ""),
        ({"id": None}, ""),
        ("x" * 3000, ""),
    ],
)
def test_an_id_is_one_name_however_it_is_wrapped(value: Any, found: str) -> None:
    assert one_id(value) == found


@pytest.mark.parametrize("name", ["as:Public", "Public", PUBLIC])
def test_the_public_collection_has_three_names(name: str) -> None:
    assert ids(name) == (PUBLIC,)
    assert note(to=name).visibility("") == "public"
    assert note(to=[], cc=[name]).visibility("") == "unlisted"


@pytest.mark.parametrize("to", [None, {}, [], [[PUBLIC]], 17, {"id": 3}, "x" * 10_000_000, True, ""])
def test_addresses_of_the_wrong_form_never_make_a_post_public(to: Any) -> None:
    assert note(to=to).visibility("https://m.example/users/jonas/followers") == "direct"


def test_ten_thousand_recipients_are_a_thousand() -> None:
    assert len(note(to=[f"https://m.example/{at}" for at in range(10_000)]).to) == 1000


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("2026-11-23T09:12:46Z", datetime(2026, 11, 23, 9, 12, 46, tzinfo=UTC)),
        ("2026-11-23T09:23:54.596834583Z", datetime(2026, 11, 23, 9, 23, 54, 596834, tzinfo=UTC)),
        ("2026-11-23T10:12:46+01:00", datetime(2026, 11, 23, 9, 12, 46, tzinfo=UTC)),
        ("2026-11-23T09:12:46", datetime(2026, 11, 23, 9, 12, 46, tzinfo=UTC)),
        ("-0001-11-30T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("1969-12-31T00:00:00Z", None),
        ("yesterday", None),
        (1795425612, None),
        (None, None),
    ],
)
def test_times_are_read_in_all_their_spellings(value: Any, found: datetime | None) -> None:
    assert moment(value) == found


def test_nobody_posts_from_the_future() -> None:
    published = note(published="2999-01-01T00:00:00Z").published
    assert published is not None
    assert published <= datetime.now(UTC)


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "https://a@b.example/", "//m.example", "x", 3]
)
def test_what_is_no_web_address_is_not_shown_as_one(address: Any) -> None:
    assert web_address(address) == ""
    assert page_address([{"type": "Link", "href": address}]) == ""


def test_of_several_links_the_page_is_shown() -> None:
    links = [
        {"type": "Link", "mediaType": "application/x-bittorrent", "href": "https://v.example/torrent"},
        {"type": "Link", "mediaType": "text/html", "href": "https://v.example/w/1"},
    ]
    assert page_address(links) == "https://v.example/w/1"


# Posts


def test_a_post_has_exactly_one_author() -> None:
    for author in (["https://m.example/a", "https://m.example/b"], None, "", 7, []):
        with pytest.raises(Unreadable, match="author"):
            note(attributedTo=author)
    assert note(attributedTo=[{"type": "Person", "id": "https://m.example/a"}]).author == "https://m.example/a"


@pytest.mark.parametrize("kind", ["Video", "Tombstone", "Person", "Create", None, 3, ["Image"]])
def test_other_types_are_no_posts(kind: Any) -> None:
    with pytest.raises(Unreadable, match="Not a type"):
        note(type=kind)


def test_a_question_is_a_poll_and_has_options() -> None:
    with pytest.raises(Unreadable, match="without options"):
        note(type="Question")
    poll = note(
        type="Question", oneOf=[{"type": "Note", "name": "Onsdag", "replies": {"totalItems": 4}}, {"name": "Torsdag"}]
    )
    assert poll.poll is not None
    assert poll.poll.options == (("Onsdag", 4), ("Torsdag", 0))


def test_content_is_made_inert_and_cut() -> None:
    read = note(content='<p onclick="x">Hej <script>alert(1)</script><a href="javascript:x">her</a></p>')
    assert "script" not in read.content
    assert "onclick" not in read.content
    assert len(note(content="<p>" + "x" * 900_000 + "</p>").content) <= 100_000
    assert len(note(name="x" * 100_000).name) == 2048


@pytest.mark.parametrize("content", ["<" * 300_000, "<div>" * 50_000, "<p>" * 100_000 + "x", "&" * 300_000])
def test_hostile_markup_takes_no_time(content: str) -> None:
    start = time.process_time()
    note(content=content, summary=content)
    assert time.process_time() - start < 1


def test_the_language_with_the_content_is_told_by_content_map() -> None:
    assert note(contentMap={"da": "<p>Hej</p>"}).language == "da"
    both = {key: value for key, value in NOTE.items() if key != "content"}
    read = reading.note({**both, "contentMap": {"en": "<p>Hello</p>", "da": "<p>Hej</p>"}})
    assert (read.content, read.language) == ("<p>Hej</p>", "da")
    assert note(language={"identifier": "sv", "name": "Svenska"}).language == "sv"


def test_a_mention_counts_only_if_the_post_is_addressed_there_too() -> None:
    lene, omar = "https://a.example/u/lene", "https://a.example/u/omar"
    tags = [{"type": "Mention", "href": lene}, {"type": "Mention", "href": omar}, {"type": "Mention", "href": lene}]
    assert note(cc=[lene], tag=tags).mentions == (lene,)


def test_tags_are_limited_and_compared_without_letter_case() -> None:
    tags = [{"type": "Hashtag", "name": name} for name in ("#Regler", "regler", "#åbneData", "#123", 7, None)]
    assert note(tag=[*tags, "text", None]).hashtags == ("Regler", "åbneData")
    assert len(note(tag=[{"type": "Hashtag", "name": f"#t{at}"} for at in range(10_000)]).hashtags) == 30


@pytest.mark.parametrize(
    ("icon", "read"),
    [
        ({"type": "Image", "mediaType": "image/png", "url": "https://m.example/s.png"}, "https://m.example/s.png"),
        ("https://m.example/s.png", "https://m.example/s.png"),
        ([{"url": "javascript:alert(1)"}, {"url": "https://m.example/s.png"}], "https://m.example/s.png"),
        ({"url": ["https://m.example/s.png"]}, "https://m.example/s.png"),
        ({"type": "Image"}, ""),
        (17, ""),
    ],
)
def test_the_picture_that_stands_for_a_film_is_read(icon: Any, read: str) -> None:
    film = {"type": "Document", "mediaType": "video/mp4", "url": "https://m.example/a.mp4", "icon": icon}
    photo = {"type": "Document", "mediaType": "image/png", "url": "https://m.example/a.png", "icon": icon}
    found = note(attachment=[film, photo]).attachments
    assert [one.get("icon_url", "") for one in found] == [read, ""]


def test_attachments_are_pictures_files_and_links_but_no_licences() -> None:
    read = note(
        attachment=[
            {"type": "PropertyValue", "name": "license", "value": "x"},
            {
                "type": "Document",
                "mediaType": "image/png",
                "url": "https://m.example/a.png",
                "name": "Et rektangel",
                "width": 64,
            },
            {"type": "Link", "href": "https://news.example/1"},
            {"type": "Image", "url": "javascript:alert(1)"},
        ]
    )
    assert read.attachments == (
        {
            "type": "Document",
            "url": "https://m.example/a.png",
            "media_type": "image/png",
            "name": "Et rektangel",
            "width": 64,
        },
        {"type": "Link", "url": "https://news.example/1"},
    )
    assert (
        len(note(attachment=[{"type": "Image", "url": f"https://m.example/{at}"} for at in range(99)]).attachments)
        == 16
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [([0.5, -0.25], [0.5, -0.25]), ([0, 0], None), ([2, 0], None), (["a", "b"], None), ([0.1], None), ("x", None)],
)
def test_the_focus_of_a_picture_is_two_numbers_within_it(written: Any, read: Any) -> None:
    picture = {"type": "Document", "mediaType": "image/png", "url": "https://m.example/a.png", "focalPoint": written}
    assert note(attachment=[picture]).attachments[0].get("focus") == read


def test_the_title_is_not_shown_twice_and_the_accepted_line_not_at_all() -> None:
    read = note(
        name="Hvem har prøvet?",
        content='<p><strong>Hvem har prøvet?</strong></p><p>Vi vil.</p><p>✅ Accepteret svar: <a href="https://b.example/p/2">x</a></p>',
        acceptedAnswer="https://b.example/p/2",
    )
    assert read.content == "<p>Vi vil.</p>"
    assert read.accepted == "https://b.example/p/2"


def test_our_own_terms_are_read_by_prefix_and_by_iri_and_unknown_ones_are_kept_as_text() -> None:
    read = note(
        **{
            "torv:kind": "answer",
            "torv:barrier": ["regler"],
            "https://w3id.org/torv/ns#phase": "test",
            "torv:new": {"id": "x"},
        }
    )
    assert read.kind == "answer"
    assert read.extra == {"barriers": ["regler"], "phase": "test", "torv": {"new": "x"}}


@pytest.mark.parametrize("content", [None, "", "<br>", "<p></p>"])
def test_a_reply_with_a_name_and_no_text_has_the_form_of_a_vote(content: str | None) -> None:
    assert note(content=content, name="Tirsdag", inReplyTo="https://a.example/p/1").is_vote
    assert not note(content="<p>Svar</p>", name="Emnet", inReplyTo="https://a.example/p/1").is_vote


# Activities


@pytest.mark.parametrize(
    "doc",
    [
        {},
        {"type": "Like", "object": "https://a.example/p/1"},
        {"type": "Like", "actor": ["https://m.example/a", "https://m.example/b"], "object": "https://a.example/p/1"},
        {"type": "Like", "actor": "https://m.example/a"},
        {"actor": "https://m.example/a", "object": "https://a.example/p/1"},
        {"type": [], "actor": "https://m.example/a", "object": []},
    ],
)
def test_an_activity_says_who_did_what_to_what(doc: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        reading.activity(doc)


def test_an_object_is_read_by_name_and_as_embedded() -> None:
    base = {"id": "https://m.example/1", "type": "Like", "actor": {"id": "https://m.example/a", "type": "Person"}}
    named = reading.activity({**base, "object": "https://a.example/p/1"})
    assert (named.actor, named.object_id, named.object) == ("https://m.example/a", "https://a.example/p/1", None)
    embedded = reading.activity({**base, "object": {"id": "https://a.example/p/1", "type": "Note"}})
    assert (embedded.object_id, (embedded.object or {})["type"]) == ("https://a.example/p/1", "Note")
    several = reading.activity({**base, "object": ["https://a.example/p/1", "https://a.example/p/2"]})
    assert (several.object_id, len(several.objects)) == ("", 2)


def test_an_activity_is_named_by_its_actors_host_whatever_stands_behind_the_hash() -> None:
    actor = "https://nodebb.example/category/5"
    assert reading.is_named_by("https://nodebb.example/category/5#activity/accept:follow/Spørg netværket/17", actor)
    assert not reading.is_named_by("https://evil.example/#https://nodebb.example/", actor)
    assert not reading.is_named_by("urn:uuid:1", actor)


# Actors


def actor(**more: Any) -> reading.ActorIn:
    return reading.actor({**ACTOR, **more})


@pytest.mark.parametrize(
    "more",
    [
        {"type": "Note"},
        {"id": None},
        {"id": "http://m.example/users/jonas"},
        {"inbox": None},
        {"inbox": "https://victim.example/inbox"},
        {"preferredUsername": ""},
        {"preferredUsername": "a@b"},
        {"preferredUsername": "a b"},
    ],
)
def test_an_actor_has_an_id_an_inbox_on_its_host_and_a_name(more: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        actor(**more)


@pytest.mark.parametrize(
    "more",
    [
        {"name": "x" * 900_000},
        {"summary": "<p>" + "x" * 900_000 + "</p>"},
        {"summaryMap": {"da": "x" * 900_000}},
        {"preferredUsername": "x" * 900_000},
        {"url": "https://m.example/" + "x" * 900_000},
        {"icon": {"url": "https://m.example/" + "x" * 900_000}},
        {"webfinger": "x" * 900_000 + "@m.example"},
        {"alsoKnownAs": [f"https://m.example/{n}" for n in range(30_000)]},
        {"alsoKnownAs": ["https://m.example/" + "x" * 900_000]},
        {"attachment": [{"type": "PropertyValue", "name": "x" * 9000, "value": "y" * 9000} for _ in range(50)]},
        {"attachment": [{"type": "PropertyValue", "name": "x", "value": "y"} for _ in range(30_000)]},
        {"torv:anything": "x" * 900_000},
    ],
    ids=lambda more: next(iter(more)),
)
def test_t84_nobody_is_larger_than_a_profile_may_be(more: dict[str, Any]) -> None:
    found = actor(**more).remote
    assert len(repr(replace(found, keys=[]))) < 150_000
    assert len(found.fields) <= 50
    assert max(len(found.name), len(found.username)) <= 255


def test_names_need_not_be_ascii_nor_ids_have_a_path() -> None:
    assert actor(preferredUsername="spørg").remote.username == "spørg"
    bare = actor(id="https://microblog.example", inbox="https://microblog.example/inbox").remote
    assert bare.uri == "https://microblog.example"
    assert actor(id="https://m.example/?author=1").remote.uri == "https://m.example/?author=1"


def test_addresses_on_other_hosts_do_not_act_for_an_actor() -> None:
    remote = actor(
        outbox="https://evil.example/o",
        followers="https://evil.example/f",
        endpoints={"sharedInbox": "https://evil.example/i"},
    ).remote
    assert (remote.outbox, remote.followers_uri, remote.shared_inbox) == ("", "", "")


def key(**more: Any) -> dict[str, Any]:
    return {"id": f"{ACTOR['id']}#main-key", "owner": ACTOR["id"], "publicKeyPem": keys.draw()[1], **more}


@pytest.mark.parametrize(
    "more",
    [
        {"owner": "https://m.example/users/other"},
        {"owner": None},
        {"id": "https://evil.example/key"},
        {"publicKeyPem": "garbage"},
        {"publicKeyPem": "x" * 1_000_000},
        {"publicKeyPem": None},
    ],
)
def test_a_key_that_is_not_surely_the_actors_own_is_left_out(more: dict[str, Any]) -> None:
    assert actor(publicKey=key()).remote.keys
    assert actor(publicKey=key(**more)).remote.keys == []


def test_of_a_thousand_keys_ten_are_looked_at() -> None:
    many = [key(id=f"{ACTOR['id']}#{at}") for at in range(1000)]
    assert len(actor(publicKey=many).remote.keys) == 10


def test_an_ed25519_multikey_is_a_key_too() -> None:
    multikey = {
        "type": "Multikey",
        "id": f"{ACTOR['id']}#ed25519-key",
        "controller": ACTOR["id"],
        "publicKeyMultibase": "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2",
    }
    ((name, pem),) = actor(assertionMethod=[multikey, "https://m.example/x"]).remote.keys
    assert name == f"{ACTOR['id']}#ed25519-key"
    assert signatures.public_key(pem)


def test_profile_fields_come_in_three_forms_and_are_made_inert() -> None:
    fields = actor(
        attachment=[
            {"type": "PropertyValue", "name": "Rolle", "value": "Konsulent<script>x</script>"},
            {"type": "Note", "name": "Om", "content": "<p>Mere</p>"},
            {"type": "Link", "name": "Web", "href": "https://lene.example"},
            {"type": "Link", "name": "Ond", "href": "javascript:x"},
            {"type": "Image", "url": "https://m.example/a.png"},
        ]
    ).remote.fields
    assert [each["name"] for each in fields] == ["Rolle", "Om", "Web"]
    assert "script" not in fields[0]["value"]
    assert len(actor(attachment=[{"type": "PropertyValue", "name": "a", "value": "b"}] * 900).remote.fields) == 50


def test_not_saying_is_not_consenting() -> None:
    assert (actor().remote.indexable, actor().remote.discoverable) == (False, False)
    assert actor(**{"toot:discoverable": True}).remote.discoverable


# Collections


def test_of_a_collection_only_the_ids_are_read() -> None:
    found = reading.collection(
        {
            "id": "https://m.example/c",
            "type": "OrderedCollection",
            "totalItems": 3,
            "first": {
                "type": "OrderedCollectionPage",
                "next": "https://m.example/c?2",
                "orderedItems": ["https://m.example/1", NOTE],
            },
        }
    )
    assert found.first_page is not None
    assert found.first_page.items == ("https://m.example/1", NOTE["id"])
    assert (found.first_page.next, found.total) == ("https://m.example/c?2", 3)


def test_pages_nested_in_pages_are_not_followed() -> None:
    doc: dict[str, Any] = {"type": "Collection", "items": []}
    for _ in range(30):
        doc = {"type": "Collection", "items": ["https://m.example/1"], "first": doc}
    found = reading.collection(doc)
    assert found.first_page is not None
    assert found.first_page.first_page is None
    with pytest.raises(Unreadable):
        reading.collection(NOTE)


def test_a_question_that_was_asked_before_names_the_earlier_one_and_its_line_is_taken_off() -> None:
    line = '<p>↪ Spurgt før: <a href="https://a.example/p/2">Må man det?</a></p>'
    accepted = '<p>✅ Accepteret svar: <a href="https://a.example/p/3">lene@a.example</a></p>'
    doc = {
        "id": "https://b.example/p/1",
        "type": "Note",
        "attributedTo": "https://b.example/u/lene",
        "to": ["https://www.w3.org/ns/activitystreams#Public"],
        "content": f"<p>Igen.</p>{line}{accepted}",
        "torv:duplicateOf": "https://a.example/p/2",
        "acceptedAnswer": "https://a.example/p/3",
    }
    found = reading.note(doc)
    assert found.extra["duplicateOf"] == "https://a.example/p/2"
    assert found.content == "<p>Igen.</p>"
    for odd in ("nonsense", 17, ["https://a.example/p/2", "https://a.example/p/4"], {"href": "x"}):
        assert "duplicateOf" not in reading.note({**doc, "torv:duplicateOf": odd}).extra
    assert "Spurgt før" in reading.note({**doc, "torv:duplicateOf": ""}).content  # what a person wrote stays
