"""What we write: the JSON of each object and activity as checked in under `snapshots/`, and that every term has an IRI.

To accept a wanted change: run with `TORV_WRITE_SNAPSHOTS=1` and read the difference.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyld import jsonld
from pyld.documentloader.frozen import FrozenDocumentLoader
from sqlalchemy.orm import Session

from federation.vocabulary import CTX, CTX_ACTOR, CTX_EVENT, CTX_PLAIN, CTX_POLL, CTX_QUOTE, SECURITY
from federation.writing import activities, collections, document, dumps, objects
from federation.writing import actors as writing_actors
from models import (
    accounts,
    actors,
    adopting,
    affiliations,
    arriving,
    attending,
    ballots,
    base,
    blocks,
    calls,
    co_authors,
    communities,
    companions,
    composing,
    duplicates,
    endorsing,
    follows,
    leaving,
    listings,
    moving,
    organizations,
    outbox,
    peers,
    pins,
    planning,
    proposing,
    quotes,
    reactions,
    removing,
    sharing,
    threads,
)
from models.actors import PUBLIC, Actor
from models.arriving import RemotePost
from models.base import clock
from models.database import Database
from models.experiences import BARRIERS, Report
from models.follows import FollowState
from models.meetings import Way
from models.organizations import Editor, Facts
from models.polls import PollDraft, RemotePoll
from models.posts import Draft, Kind, Post, Visibility
from models.proposing import Principle
from models.text import plain, render_markdown
from tests.federation.elsewhere import newest, remote
from tests.models.test_meetings import PLAN

SNAPSHOTS = Path(__file__).parent / "snapshots"
BEGIN = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
Write = Callable[["Scene"], dict[str, Any]]


class Scene:
    """Lene on a.example asked in `spoerg`; Christina on b.example answered; the clock begins on 23 November 2026."""

    def __init__(self, db: Session) -> None:
        self.db = db
        self.lene = _account(db, "lene", "Lene")
        self.group = communities.create(
            db,
            "spoerg",
            "Spørg netværket",
            creator=self.lene,
            summary="Spørgsmål og svar mellem offentlige udfordrere.",
            ways=communities.Ways(allows_down=True),
        )
        self.christina = remote(db, "b.example", "christina")
        self.question = threads.ask(
            db,
            self.lene,
            self.group,
            Draft(
                title="Hvem har fået jura til at sige ja til adopter-en-brandhane?",
                text="Juristen siger, at driftsansvaret ikke kan flyttes. Har nogen fået en aftaletekst godkendt?",
                language="da",
                barriers=("regler", "love"),
                municipality="0101",
            ),
        )
        self.answer = self._answer()

    def _answer(self) -> Post:
        answer = threads.answer(self.db, self.lene, self.question, Draft(text="Det har vi. #frivillig", language="da"))
        return answer

    def activity(self, type: str) -> dict[str, Any]:
        """The newest activity of a type, as a whole document."""
        body = activities.activity_document(self.db, newest(self.db, type))
        assert body is not None
        return body


def _account(db: Session, username: str, name: str) -> Actor:
    account = accounts.create(
        db, username=username, email=f"{username}@a.example", password="correct horse battery", name=name
    )
    return actors.get(db, account.id)


def _question(scene: Scene) -> dict[str, Any]:
    return document(objects.post(scene.db, scene.question), CTX)


def _unnamed(scene: Scene) -> Post:
    draft = Draft("@christina@b.example\n\nHan må ikke vide det.", "Hvordan siger I det til chefen?", anonymous=True)
    return threads.ask(scene.db, scene.lene, scene.group, replace(draft, language="da", municipality="0147"))


def _anonymous(scene: Scene) -> dict[str, Any]:
    return document(objects.post(scene.db, _unnamed(scene)), CTX)


def _anonymous_service(scene: Scene) -> dict[str, Any]:
    service = actors.get(scene.db, _unnamed(scene).author_id)
    return document(writing_actors.actor(scene.db, service), CTX_ACTOR)


def _anonymous_choice(scene: Scene) -> dict[str, Any]:
    question = _unnamed(scene)
    answer = threads.answer(scene.db, _account(scene.db, "birk", "Birk"), question, Draft("Sig det mandag."))
    threads.accept(scene.db, scene.lene, question, answer)
    return scene.activity("ChooseAnswer")


def _question_tied(scene: Scene) -> dict[str, Any]:
    rule = composing.write(scene.db, scene.lene, Draft("Også nej.", "Vi deler alt", language="da"), Kind.DOGMA)
    secret = composing.note(scene.db, scene.lene, Draft("Kun her.", visibility="node"))
    draft = Draft("Og hvordan?", "Hvem lever efter det?", language="da", linked=(rule, scene.question, secret))
    return document(objects.post(scene.db, threads.ask(scene.db, scene.lene, scene.group, draft)), CTX)


def _question_calls(scene: Scene) -> dict[str, Any]:
    calls.call(scene.db, scene.lene, scene.question)
    calls.come(scene.db, scene.christina, scene.question, Way.JOIN, join_uri="https://b.example/activities/5")
    return document(objects.post(scene.db, scene.question), CTX)


def _would_come(scene: Scene) -> dict[str, Any]:
    scene.question.local, scene.question.author_id = False, scene.christina.id
    scene.question.extra = {**scene.question.extra, "wouldCome": 3}
    calls.take(scene.db, scene.question)
    calls.come(scene.db, scene.lene, scene.question, Way.WEB)
    return scene.activity("Join")


def _asked_before(scene: Scene) -> dict[str, Any]:
    later = threads.ask(scene.db, scene.lene, scene.group, Draft("Igen.", "Må borgere adoptere en brandhane?"))
    duplicates.mark(scene.db, scene.lene, later, scene.question)
    return document(objects.post(scene.db, later), CTX)


def _page(scene: Scene) -> dict[str, Any]:
    return document(objects.post(scene.db, scene.question, objects.PAGE), CTX)


def _accepted(scene: Scene) -> dict[str, Any]:
    threads.accept(scene.db, scene.lene, scene.question, scene.answer)
    return document(objects.post(scene.db, scene.question), CTX)


def _answer(scene: Scene) -> dict[str, Any]:
    return document(objects.post(scene.db, scene.answer), CTX)


def _comment(scene: Scene) -> dict[str, Any]:
    birk = _account(scene.db, "birk", "Birk")
    draft = Draft(text="Kan du dele selve aftaleteksten, @christina@b.example?", language="da")
    return document(objects.post(scene.db, threads.comment(scene.db, birk, scene.answer, draft)), CTX)


def _note(scene: Scene) -> dict[str, Any]:
    draft = Draft(text="Møde på torsdag. #gåhjem", language="da", summary="Reklame for suppe", visibility="unlisted")
    return document(objects.post(scene.db, composing.note(scene.db, scene.lene, draft)), CTX)


def _direct(scene: Scene) -> dict[str, Any]:
    draft = Draft(text="Hej @christina@b.example", visibility="direct")
    return document(objects.post(scene.db, composing.note(scene.db, scene.lene, draft)), CTX)


REPORT = Report(
    "Sådan driblede vi adopter-en-brandhane gennem tre forvaltninger",
    "Vi startede med 20 brandhaner og en frivilligaftale på én side.",
    {"wanted": "Lade borgere *adoptere* en brandhane.", "tried": "Et kort og et brev.", "rule": "Beredskabsloven § 15.",
     "happened": "Det gik.", "value_citizens": "En grund til at gå ud."},
    {"vaner": "", "regler": "Driftsansvaret kan ikke flyttes."},
    "https://www.retsinformation.dk/eli/lta/2017/314",
    "implementering",
    "lykkedes",
    "0101",
    "05.04.06",
)  # fmt: skip


def _shared(scene: Scene, **around: Any) -> Post:
    birk = _account(scene.db, "birk", "Birk")
    made = sharing.Around(community=scene.group, contacts=(birk,), linked=(scene.question,), **around)
    return sharing.publish(scene.db, scene.lene, REPORT, made)


def _experience(scene: Scene) -> dict[str, Any]:
    return document(objects.post(scene.db, _shared(scene)), CTX)


def _follow_up(scene: Scene) -> dict[str, Any]:
    case = _shared(scene)
    clock.offset += 3600
    made = sharing.follow_up(scene.db, scene.lene, case, "Nu er det **40**.", phase="drift", outcome="delvist")
    return document(objects.post(scene.db, made), CTX)


def _followed_up(scene: Scene) -> dict[str, Any]:
    _follow_up(scene)
    return scene.activity("Update")


def _adapted(scene: Scene) -> dict[str, Any]:
    theirs = RemotePost(
        uri="https://b.example/p/9",
        author=scene.christina,
        visibility=Visibility.PUBLIC,
        published=BEGIN,
        object_type="Article",
        kind_hint="experience",
        title="Brandhaner i b",
    )
    original, _ = arriving.record_remote(scene.db, theirs)
    return document(objects.post(scene.db, _shared(scene, adapted_from=original)), CTX)


def _co_author_asked(scene: Scene) -> dict[str, Any]:
    _shared(scene, co_authors=(scene.christina,))
    return scene.activity("Create")


def _co_author_named(scene: Scene) -> dict[str, Any]:
    post = _shared(scene, co_authors=(scene.christina,))
    clock.offset += 3600
    co_authors.answer(scene.db, scene.christina, post, yes=True)
    return scene.activity("Update")


MEETING = replace(PLAN, starts=datetime.fromisoformat("2026-12-01T16:00"), ends=datetime.fromisoformat("2026-12-01T18:00"),
                  capacity=40)  # fmt: skip
MOBILIZON_JOIN = "https://mobilizon.example/join/5"


def _planned(scene: Scene, **changed: Any) -> Post:
    around = planning.Around(community=scene.group)
    return planning.publish(scene.db, scene.lene, replace(MEETING, **changed), around)


def _meeting(scene: Scene) -> dict[str, Any]:
    post = _planned(scene)
    attending.sign_up(scene.db, scene.christina, post, Way.LIKE)
    return document(objects.post(scene.db, post), CTX_EVENT)


def _meeting_online(scene: Scene) -> dict[str, Any]:
    nowhere = dict.fromkeys(("place", "street", "postal_code", "town", "accessibility"), "")
    post = _planned(scene, **nowhere, latitude=None, longitude=None, ends=None, online_hidden=True, capacity=None,
                    joining="none", tentative=True, language="en")  # fmt: skip
    return document(objects.post(scene.db, post), CTX_EVENT)


def _meeting_cancelled(scene: Scene) -> dict[str, Any]:
    post = _planned(scene, joining="external", join_url="https://tilmeld.example/1", by_like=False)
    clock.offset += 3600
    planning.cancel(scene.db, scene.lene, post, "Oplægsholderen er syg.")
    return scene.activity("Update")


def _meeting_created(scene: Scene) -> dict[str, Any]:
    _planned(scene)
    return scene.activity("Create")


def _meeting_wrapped(scene: Scene) -> dict[str, Any]:
    _planned(scene)
    return _announces(scene, plain=False)


def _meeting_accept(scene: Scene) -> dict[str, Any]:
    attending.sign_up(scene.db, scene.christina, _planned(scene), Way.JOIN, join_uri=MOBILIZON_JOIN)
    return scene.activity("Accept")


def _meeting_confirmed(scene: Scene) -> dict[str, Any]:
    attending.sign_up(scene.db, scene.christina, _planned(scene), Way.LIKE)
    return scene.activity("Create")


def _meeting_companion(scene: Scene) -> dict[str, Any]:
    follows.request(scene.db, scene.christina, scene.group).state = FollowState.ACCEPTED
    peers.note_software(scene.db, "b.example", "nodebb")
    note = companions.of(scene.db, _planned(scene))
    assert note is not None
    return document(objects.post(scene.db, note), CTX)


def _theirs(scene: Scene) -> Post:
    event = {"starts": "2026-12-01T15:00:00+00:00", "joining": "free"}
    post = RemotePost("https://b.example/p/9", scene.christina, Visibility.PUBLIC, BEGIN, object_type="Event",
                      kind_hint="event", title="Møde i b", extra={"event": event})  # fmt: skip
    found, _ = arriving.record_remote(scene.db, post)
    attending.sign_up(scene.db, scene.lene, found, Way.WEB)
    return found


def _meeting_join(scene: Scene) -> dict[str, Any]:
    _theirs(scene)
    return scene.activity("Join")


def _meeting_leave(scene: Scene) -> dict[str, Any]:
    attending.withdraw(scene.db, scene.lene, _theirs(scene))
    return scene.activity("Leave")


PRINCIPLE = Principle(
    "Vi deler også det, der gik galt",
    "Hver erfaring publiceres med sin barriere og sit udfald, også når udfaldet blev et nej.",
)


def _dogma(scene: Scene) -> Post:
    post = proposing.propose(scene.db, scene.lene, PRINCIPLE, scene.group)
    clock.offset += 3600
    adopting.adopt(scene.db, scene.lene, post, "Det er sådan, vi gør.")
    return post


def _dogma_adopted(scene: Scene) -> dict[str, Any]:
    post = _dogma(scene)
    reactions.vote(scene.db, scene.lene, post)
    endorsing.endorse(scene.db, scene.lene, post, organization=_edited(scene))
    proposing.change(scene.db, scene.lene, post, replace(PRINCIPLE, text="Også når udfaldet blev et nej."), "Kortere.")
    return document(objects.post(scene.db, post), CTX)


def _edited(scene: Scene) -> Actor:
    body = _kommune(scene)
    scene.db.add(Editor(organization_id=body.id, account_id=scene.lene.id))
    scene.db.flush()
    return body


def _dogma_proposed(scene: Scene) -> dict[str, Any]:
    return document(objects.post(scene.db, proposing.propose(scene.db, scene.lene, PRINCIPLE)), CTX)


def _dogma_withdrawn(scene: Scene) -> dict[str, Any]:
    adopting.withdraw(scene.db, scene.lene, _dogma(scene), "Det blev for snævert.")
    return scene.activity("Update")


def _dogma_vote(scene: Scene) -> dict[str, Any]:
    follows.request(scene.db, scene.christina, scene.group)
    post = proposing.propose(scene.db, scene.lene, PRINCIPLE, scene.group)
    adopting.open_vote(scene.db, scene.lene, post, 7, 3)
    return scene.activity("Create")


def _dogma_news(scene: Scene) -> dict[str, Any]:
    proposing.change(scene.db, scene.lene, _dogma(scene), replace(PRINCIPLE, text="Altid."), "Kortere.")
    return scene.activity("Create")


def _endorsed(scene: Scene) -> dict[str, Any]:
    endorsing.endorse(scene.db, scene.lene, _dogma(scene), organization=_edited(scene))
    return scene.activity("Like")


def _endorsed_no_longer(scene: Scene) -> dict[str, Any]:
    post = _dogma(scene)
    endorsing.endorse(scene.db, scene.lene, post)
    endorsing.withdraw(scene.db, scene.lene, post)
    return scene.activity("Undo")


def _linked(scene: Scene) -> dict[str, Any]:
    _shared(scene)
    return document(objects.post(scene.db, scene.question), CTX)


def _attached(scene: Scene) -> dict[str, Any]:
    post = composing.note(scene.db, scene.lene, Draft(text="Se her.", language="da"))
    post.attachments = [
        {"type": "Image", "url": "https://a.example/media/1.png", "media_type": "image/png", "name": "En brandhane",
         "width": 640, "height": 480, "blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj"},
        {"type": "Document", "url": "https://a.example/media/2.mp4", "media_type": "video/mp4", "name": "En film",
         "width": 1280, "height": 720, "focus": [0.5, -0.25], "id": 7, "kind": "video", "meta": {"original": {}},
         "preview_url": "https://a.example/media/3.png"},
        {"type": "Link", "url": "https://www.dr.dk/", "media_type": "text/html", "name": "DR"},
    ]  # fmt: skip
    return document(objects.post(scene.db, post), CTX)


def _tombstone(scene: Scene) -> dict[str, Any]:
    removing.delete_post(scene.db, scene.lene, scene.answer)
    return document(objects.post(scene.db, scene.answer), CTX_PLAIN)


def _person(scene: Scene) -> dict[str, Any]:
    actors.update_profile(
        scene.db,
        scene.lene,
        summary_source="Udvikler hverdagen i en kommune.",
        role="Digitaliseringskonsulent",
        municipality="0101",
        topics=["Frivilligaftaler", "§ 18-midler"],
        also_known_as=["https://m.example/users/lene"],
        icon_url="https://a.example/media/lene.png",
    )
    affiliations.accept_invited(scene.db, scene.lene, _kommune(scene), "public-body")
    return document(writing_actors.actor(scene.db, scene.lene), CTX_ACTOR)


def _community(scene: Scene) -> dict[str, Any]:
    return document(writing_actors.actor(scene.db, scene.group), CTX_ACTOR)


def _closed(scene: Scene) -> dict[str, Any]:
    ways = communities.Ways(language="en", questions_only=True, askers=("public-body",))
    communities.change(
        scene.db, None, scene.group, name="Ask the network", summary="", rules=(), ways=ways, icon="spoerg.png"
    )
    communities.close(scene.db, scene.lene, scene.group)
    return scene.activity("Update")


def _disclosed(scene: Scene) -> dict[str, Any]:
    draft = Draft(
        text="Det kan vores system.", language="da", disclosure="Jeg arbejder hos Eksempel A/S, som laver det."
    )
    return document(objects.post(scene.db, threads.answer(scene.db, scene.lene, scene.question, draft)), CTX)


def _organisation(scene: Scene) -> dict[str, Any]:
    return document(writing_actors.actor(scene.db, _kommune(scene)), CTX_ACTOR)


def _kommune(scene: Scene) -> Actor:
    facts = Facts(
        "Eksempel Kommune",
        summary="Kommunens officielle konto.",
        website="https://www.eksempel.example",
        municipality_code="0101",
        cvr="12345678",
    )
    return organizations.create(scene.db, None, "kommune", facts)


def _members(scene: Scene) -> dict[str, Any]:
    org = _kommune(scene)
    affiliations.accept_invited(scene.db, scene.lene, org, "public-body")
    found = affiliations.member(scene.db, org, scene.lene.uri)
    assert found is not None
    return document(collections.members(f"{org.uri}/members", 1, items=[found.uri]), CTX_PLAIN)


def _node(scene: Scene) -> dict[str, Any]:
    return document(writing_actors.actor(scene.db, actors.node_actor(scene.db)), CTX_ACTOR)


def _update(scene: Scene) -> dict[str, Any]:
    clock.offset += 3600
    composing.edit(scene.db, scene.lene, scene.answer, Draft(text="Det har vi ikke mere.", language="da"))
    return scene.activity("Update")


def _update_actor(scene: Scene) -> dict[str, Any]:
    actors.update_profile(scene.db, scene.lene, name="Lene H.")
    return scene.activity("Update")


def _delete(scene: Scene) -> dict[str, Any]:
    removing.delete_post(scene.db, scene.lene, scene.answer)
    return scene.activity("Delete")


def _leave(scene: Scene) -> dict[str, Any]:
    leaving.delete_local(scene.db, scene.lene)
    return scene.activity("Delete")


def _choose(scene: Scene) -> dict[str, Any]:
    threads.accept(scene.db, scene.lene, scene.question, scene.answer)
    return scene.activity("ChooseAnswer")


def _undo_choice(scene: Scene) -> dict[str, Any]:
    threads.accept(scene.db, scene.lene, scene.question, scene.answer)
    threads.withdraw(scene.db, scene.lene, scene.question)
    return scene.activity("Undo")


def _follow(scene: Scene) -> dict[str, Any]:
    follows.request(scene.db, scene.lene, scene.christina)
    return scene.activity("Follow")


def _unfollow(scene: Scene) -> dict[str, Any]:
    follows.request(scene.db, scene.lene, scene.christina)
    follows.undo(scene.db, scene.lene, scene.christina)
    return scene.activity("Undo")


def _accept(scene: Scene) -> dict[str, Any]:
    follows.request(scene.db, scene.christina, scene.lene, uri="https://b.example/follow/1")
    return scene.activity("Accept")


def _reject(scene: Scene) -> dict[str, Any]:
    follows.reject(scene.db, follows.request(scene.db, scene.christina, scene.lene, uri="https://b.example/follow/1"))
    return scene.activity("Reject")


def _vote(value: int) -> Write:
    def write(scene: Scene) -> dict[str, Any]:
        birk = _account(scene.db, "birk", "Birk")
        reactions.vote(scene.db, birk, scene.answer, value)
        return scene.activity("Like" if value > 0 else "Dislike")

    return write


def _undo_vote(scene: Scene) -> dict[str, Any]:
    birk = _account(scene.db, "birk", "Birk")
    reactions.vote(scene.db, birk, scene.answer)
    reactions.withdraw_vote(scene.db, birk, scene.answer)
    undo = outbox.get(scene.db, max(a.id for a in scene.db.query(outbox.Activity).filter_by(type="Undo")))
    assert undo is not None
    body = activities.activity_document(scene.db, undo)
    assert body is not None
    return body


def _boost(scene: Scene) -> dict[str, Any]:
    birk = _account(scene.db, "birk", "Birk")
    reactions.boost(scene.db, birk, scene.question)
    return scene.activity("Announce")


def _unboost(scene: Scene) -> dict[str, Any]:
    birk = _account(scene.db, "birk", "Birk")
    reactions.boost(scene.db, birk, scene.question)
    reactions.unboost(scene.db, birk, scene.question)
    return scene.activity("Undo")


def _announces(scene: Scene, *, plain: bool) -> dict[str, Any]:
    rows = scene.db.query(outbox.Activity).filter_by(type="Announce", post_id=scene.question.id)
    row = next(row for row in rows if outbox.is_plain_announce(row) is plain)
    body = activities.activity_document(scene.db, row)
    assert body is not None
    return body


def _block(scene: Scene) -> dict[str, Any]:
    blocks.block(scene.db, scene.lene, scene.christina)
    return scene.activity("Block")


def _flag(scene: Scene) -> dict[str, Any]:
    outbox.record(
        scene.db,
        "Flag",
        actors.node_actor(scene.db),
        object_uri=scene.christina.uri,
        to=[scene.christina.uri],
        data={"embed": [scene.christina.uri, "https://b.example/p/1"], "content": "Reklame i spørgetråd"},
    )
    return scene.activity("Flag")


def _move(scene: Scene) -> dict[str, Any]:
    moving.away(scene.db, scene.lene, remote(scene.db, "m.example", "lene", also_known_as=[scene.lene.uri]))
    return scene.activity("Move")


def _add(scene: Scene) -> dict[str, Any]:
    pins.pin(scene.db, scene.lene, scene.question)
    return scene.activity("Add")


def _remove(scene: Scene) -> dict[str, Any]:
    pins.pin(scene.db, scene.lene, scene.question)
    pins.unpin(scene.db, scene.lene, scene.question)
    return scene.activity("Remove")


def _moderator_added(scene: Scene) -> dict[str, Any]:
    communities.add_moderator(scene.db, scene.lene, scene.group, scene.christina)
    return scene.activity("Announce")


def _removal(scene: Scene) -> dict[str, Any]:
    listings.remove_post(scene.db, scene.lene, scene.answer, "Reklame")
    return scene.activity("Delete")


def _foreign_wrap(scene: Scene) -> dict[str, Any]:
    inner = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": "https://b.example/likes/1",
        "type": "Like",
        "actor": scene.christina.uri,
        "object": scene.question.uri,
    }
    reactions.vote(scene.db, scene.christina, scene.question, uri=inner["id"], inner=inner)
    return scene.activity("Announce")


def _context(scene: Scene) -> dict[str, Any]:
    uri = scene.question.context_uri
    body = collections.context(uri, scene.group.uri, 2, [scene.question.uri, scene.answer.uri])
    return document(body, CTX_PLAIN)


def _asked(scene: Scene, **how: Any) -> Post:
    """A poll in the community; Birk has voted."""
    poll = PollDraft(("Regler", "Politik", "Vaner"), 7 * 86_400, **how)
    draft = Draft(text="Hvilket tema til næste fyraftensmøde?", language="da", poll=poll)
    post = composing.write(scene.db, scene.lene, draft, Kind.NOTE, community=scene.group)
    ballots.vote(scene.db, _account(scene.db, "birk", "Birk"), post, [0, 2] if how.get("multiple") else [2])
    return post


def _poll(scene: Scene) -> dict[str, Any]:
    return document(objects.post(scene.db, _asked(scene)), CTX_POLL)


def _poll_over(scene: Scene) -> dict[str, Any]:
    post = _asked(scene, multiple=True)
    clock.offset += 7 * 86_400
    return document(objects.post(scene.db, post), CTX_POLL)


def _poll_hidden(scene: Scene) -> dict[str, Any]:
    return document(objects.post(scene.db, _asked(scene, hide_totals=True)), CTX_POLL)


def _poll_figures(scene: Scene) -> dict[str, Any]:
    ballots.tell(scene.db, _asked(scene).id)
    return scene.activity("Update")


def _poll_wrapped(scene: Scene) -> dict[str, Any]:
    _asked(scene)
    return scene.activity("Announce")


def _poll_vote(scene: Scene) -> dict[str, Any]:
    theirs = RemotePost(
        uri="https://b.example/p/7",
        author=scene.christina,
        visibility=Visibility.PUBLIC,
        published=base.now(),
        object_type="Question",
        content="<p>Hvornår?</p>",
        poll=RemotePoll((("Onsdag", 4), ("Torsdag", 0)), expires_at=base.now() + timedelta(days=1)),
    )
    post, _ = arriving.record_remote(scene.db, theirs)
    ballots.vote(scene.db, scene.lene, post, [1])
    return scene.activity("Create")


def _quoted(scene: Scene, type: str) -> dict[str, Any]:
    request = {
        "id": "https://b.example/p/8/quote",
        "type": "QuoteRequest",
        "actor": scene.christina.uri,
        "object": scene.question.uri,
        "instrument": "https://b.example/p/8",
    }
    if type == "Reject":
        scene.question.visibility = Visibility.FOLLOWERS
    quotes.answer(scene.db, scene.question, scene.christina, request["instrument"], request)
    return scene.activity(type)


def _quote_stamp(scene: Scene) -> dict[str, Any]:
    _quoted(scene, "Accept")
    ((stamp, _),) = quotes.of(scene.db, scene.question)
    return document(objects.quote_stamp(scene.db, scene.question, stamp), CTX_QUOTE)


def _quote_revoked(scene: Scene) -> dict[str, Any]:
    _quoted(scene, "Accept")
    ((stamp, _),) = quotes.of(scene.db, scene.question)
    quotes.revoke(scene.db, scene.lene, scene.question, stamp.id)
    return scene.activity("Delete")


WRITTEN: dict[str, Write] = {
    "question": _question,
    "question-anonymous": _anonymous,
    "question-asked-before": _asked_before,
    "question-as-page": _page,
    "question-accepted": _accepted,
    "answer": _answer,
    "answer-disclosed": _disclosed,
    "comment": _comment,
    "note": _note,
    "direct": _direct,
    "experience": _experience,
    "experience-follow-up": _follow_up,
    "experience-followed-up": _followed_up,
    "experience-adapted": _adapted,
    "experience-co-author-asked": _co_author_asked,
    "experience-co-author-named": _co_author_named,
    "dogma": _dogma_adopted,
    "dogma-proposed": _dogma_proposed,
    "dogma-withdrawn": _dogma_withdrawn,
    "dogma-vote": _dogma_vote,
    "dogma-new-version": _dogma_news,
    "endorse": _endorsed,
    "undo-endorse": _endorsed_no_longer,
    "question-linked": _linked,
    "question-tied": _question_tied,
    "question-calls": _question_calls,
    "join-of-a-question": _would_come,
    "attachments": _attached,
    "tombstone": _tombstone,
    "person": _person,
    "community": _community,
    "community-closed": _closed,
    "organisation": _organisation,
    "anonymous-service": _anonymous_service,
    "members": _members,
    "node": _node,
    "create": lambda scene: scene.activity("Create"),
    "update": _update,
    "update-actor": _update_actor,
    "delete": _delete,
    "leave": _leave,
    "removal": _removal,
    "moderator-added": _moderator_added,
    "choose-answer": _choose,
    "choose-answer-anonymous": _anonymous_choice,
    "undo-choose-answer": _undo_choice,
    "follow": _follow,
    "undo-follow": _unfollow,
    "accept": _accept,
    "reject": _reject,
    "like": _vote(1),
    "dislike": _vote(-1),
    "undo-like": _undo_vote,
    "announce": lambda scene: _announces(scene, plain=True),
    "announce-wrap": lambda scene: _announces(scene, plain=False),
    "announce-wrap-foreign": _foreign_wrap,
    "boost": _boost,
    "undo-boost": _unboost,
    "block": _block,
    "flag": _flag,
    "move": _move,
    "add": _add,
    "remove": _remove,
    "context": _context,
    "quote-accept": lambda scene: _quoted(scene, "Accept"),
    "quote-reject": lambda scene: _quoted(scene, "Reject"),
    "quote-stamp": _quote_stamp,
    "quote-revoked": _quote_revoked,
    "meeting": _meeting,
    "meeting-online": _meeting_online,
    "meeting-created": _meeting_created,
    "meeting-wrapped": _meeting_wrapped,
    "meeting-cancelled": _meeting_cancelled,
    "meeting-accept": _meeting_accept,
    "meeting-confirmed": _meeting_confirmed,
    "meeting-companion": _meeting_companion,
    "meeting-join": _meeting_join,
    "meeting-leave": _meeting_leave,
    "poll": _poll,
    "poll-over": _poll_over,
    "poll-hidden": _poll_hidden,
    "poll-figures": _poll_figures,
    "poll-wrapped": _poll_wrapped,
    "poll-vote": _poll_vote,
}


@pytest.fixture
def scene(database: Database) -> Iterator[Scene]:
    clock.offset = BEGIN.timestamp() - base.now().timestamp()
    made: list[Scene] = []
    with database.reading() as db:  # everything happens in one session and is thrown away
        db.rollback()
    with database.engine.connect() as connection, connection.begin() as transaction:
        with database._session(connection, join_transaction_mode="create_savepoint") as db:
            made.append(Scene(db))
            yield made[0]
        transaction.rollback()


def _steady(body: dict[str, Any]) -> str:
    """The JSON with numbers and seconds that differ from run to run made the same."""
    text = json.dumps(body, ensure_ascii=False, indent=1)
    numbers: dict[str, str] = {}
    text = re.sub(r"\b\d{15,20}\b", lambda found: numbers.setdefault(found[0], str(len(numbers) + 1)), text)
    text = re.sub(r"(2026-11-\d\dT\d\d:\d\d):\d\dZ", r"\1:00Z", text)
    return (
        re.sub(
            r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\\n",
            "(PEM)",
            re.sub(r"z6Mk\w+", "(multibase)", text),
        )
        + "\n"
    )


@pytest.mark.once
@pytest.mark.parametrize("name", WRITTEN)
def test_what_we_write_is_what_is_checked_in(scene: Scene, name: str) -> None:
    path = SNAPSHOTS / f"{name}.json"
    found = _steady(WRITTEN[name](scene))
    if os.environ.get("TORV_WRITE_SNAPSHOTS"):
        path.write_text(found)
    assert json.loads(found) == json.loads(path.read_text())


@pytest.mark.parametrize("name", ["poll", "poll-over", "poll-hidden"])
def test_a_poll_has_what_other_servers_read_of_one_and_nothing_that_makes_them_refuse_it(name: str) -> None:
    poll = json.loads((SNAPSHOTS / f"{name}.json").read_text())
    assert poll["@context"] == json.loads(json.dumps(CTX_POLL))
    assert (poll["type"], poll["torv:kind"]) == ("Question", "poll")
    needed = {"id", "attributedTo", "to", "cc", "content", "contentMap", "endTime", "votersCount", "url", "published"}
    assert needed <= set(poll)
    assert not {"name", "summary", "inReplyTo"} & set(poll)
    (options,) = (poll[key] for key in ("oneOf", "anyOf") if key in poll)
    assert all(set(one) == {"type", "name", "replies"} and one["type"] == "Note" for one in options)
    assert len({one["name"] for one in options}) == len(options)
    if "audience" in poll:
        assert poll["audience"] in poll["to"]
        assert poll["audience"] in [one.get("href") for one in poll["tag"]]


def test_every_snapshot_belongs_to_something_we_write() -> None:
    assert {path.stem for path in SNAPSHOTS.glob("*.json")} == set(WRITTEN)


@pytest.mark.once
@pytest.mark.parametrize("name", WRITTEN)
def test_every_term_we_write_has_an_iri(scene: Scene, name: str) -> None:
    body = json.loads(dumps(WRITTEN[name](scene)))
    expanded = jsonld.expand(body, {"documentLoader": FrozenDocumentLoader()})
    assert expanded
    assert "_:" not in json.dumps(expanded)


@pytest.mark.once
@pytest.mark.parametrize("name", WRITTEN)
def test_no_remote_context_is_named_but_the_two_everybody_knows(scene: Scene, name: str) -> None:
    named = WRITTEN[name](scene)["@context"]
    for one in named if isinstance(named, list) else [named]:
        assert isinstance(one, dict) or one in {CTX_PLAIN, SECURITY}


@pytest.mark.once
@pytest.mark.parametrize("name", WRITTEN)
def test_a_context_stands_only_at_the_top(scene: Scene, name: str) -> None:
    body = WRITTEN[name](scene)
    assert json.dumps(body).count('"@context"') == 1


REPORTS = [name for name in WRITTEN if name == "experience" or name in {"experience-follow-up", "experience-adapted"}]


@pytest.mark.once
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_reads_well_where_only_its_title_and_summary_are_shown(scene: Scene, name: str) -> None:
    body = WRITTEN[name](scene)
    assert body["type"] == "Article"
    assert body["name"]
    said = plain(body["summary"])
    assert "Barrierer: vaner, regler. Fase: " in said
    assert 0 < len(said) <= objects.SUMMARY_CHARS
    assert body["content"].startswith(f"<p><strong>{body['name']}</strong></p>")
    assert body["preview"]["type"] == "Note"
    assert body["sensitive"] is False  # an abstract is no warning


@pytest.mark.once
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_has_what_lemmy_piefed_and_nodebb_need(scene: Scene, name: str) -> None:
    """W11 to W14."""
    body = WRITTEN[name](scene)
    assert isinstance(body["attributedTo"], str)
    assert body["audience"] in body["to"]
    assert {"type": "Mention", "href": body["audience"], "name": "@spoerg@a.example"} in body["tag"]
    assert all("type" in tag for tag in body["tag"])
    assert all(item["type"] != "PropertyValue" for item in body["attachment"])
    assert body["source"]["mediaType"] == "text/markdown"
    assert body["name"] not in body["source"]["content"]
    assert "inReplyTo" not in body


def test_lemmy_and_piefed_believe_it_of_a_moderator_that_there_is_another_one(scene: Scene) -> None:
    """They ignore what the community says on its own account."""
    told = _moderator_added(scene)
    inner = told["object"]
    assert (told["type"], told["actor"], inner["type"]) == ("Announce", scene.group.uri, "Add")
    assert (inner["actor"], inner["object"]) == (scene.lene.uri, scene.christina.uri)
    assert inner["target"] == scene.group.moderators_uri


def test_who_leaves_asks_piefed_and_lemmy_to_remove_what_he_wrote_which_they_do_not_without_being_asked(
    scene: Scene,
) -> None:
    for less in (_removal, _delete):
        assert "removeData" not in less(scene)
    assert _leave(scene)["removeData"] is True


AROUND = [
    *("meeting", "meeting-online", "meeting-cancelled", "experience", "experience-follow-up", "question-accepted"),
    *("question-asked-before", "dogma-proposed"),
]


def _words(html: str) -> set[str]:
    return set(plain(html).replace("\uff20", "@").split())


@pytest.mark.parametrize("name", AROUND)
def test_the_source_says_all_that_the_text_says_because_piefed_and_lemmy_show_nothing_else(
    scene: Scene, name: str
) -> None:
    written = WRITTEN[name](scene)
    body = written["object"] if written["type"] == "Update" else written
    shown = render_markdown(body["source"]["content"], resolve=lambda _: None, origin="https://a.example").html
    told = _words(body["content"]) | (_words(body["summary"]) if name.startswith("experience") else set())
    assert told - _words(body["name"]) - _words(shown) <= {tag.get("name") for tag in body["tag"]}
    assert body["name"] not in plain(shown)


def test_a_report_that_is_its_own_abstract_does_not_say_it_twice(scene: Scene) -> None:
    said = WRITTEN["experience-follow-up"](scene)["source"]["content"]
    assert said.count("Nu er det") == 1


def test_piefed_can_take_in_a_community_because_its_tags_say_whether_pictures_are_blurred(scene: Scene) -> None:
    tags = [tag for tag in WRITTEN["community"](scene)["tag"] if tag["type"] == "CommunityPostTag"]
    assert len(tags) == len(BARRIERS)
    assert all(tag["blurImages"] is False for tag in tags)


EVENTS = ["meeting", "meeting-online"]
PIEFED = (
    *("startTime", "endTime", "timezone", "maximumAttendeeCapacity", "participantCount", "onlineLink", "joinMode"),
    *("externalParticipationUrl", "anonymousParticipation", "isOnline", "buyTicketsLink", "feeCurrency", "feeAmount"),
)


@pytest.mark.once
@pytest.mark.parametrize("name", EVENTS)
def test_a_meeting_has_every_key_that_piefed_asks_for(scene: Scene, name: str) -> None:
    body = WRITTEN[name](scene)
    assert [key for key in PIEFED if key not in body] == []
    assert body["startTime"].endswith("Z")  # it drops any other offset
    assert body["endTime"].endswith("Z")


@pytest.mark.once
@pytest.mark.parametrize("name", EVENTS)
def test_a_meeting_has_what_lemmy_mobilizon_and_gancio_need(scene: Scene, name: str) -> None:
    body = WRITTEN[name](scene)
    assert (body["type"], body["torv:kind"]) == ("Event", "event")
    assert body["name"]
    assert "inReplyTo" not in body
    assert isinstance(body["attributedTo"], str)
    assert body["audience"] in body["to"]  # Lemmy: the community is addressed, and the audience
    assert body["source"]["mediaType"] == "text/markdown"
    assert body["attachment"][0] == {"type": "Link", "href": body["url"], "mediaType": "text/html", "name": "Website"}
    assert body["joinMode"] in {"free", "restricted", "invite", "external"}  # Mobilizon refuses any other word
    assert body["ical:status"] in {"CONFIRMED", "TENTATIVE", "CANCELLED"}
    assert datetime.fromisoformat(body["startTime"]).tzinfo is not None
    assert body["repliesModerationOption"] == "allow_all"


@pytest.mark.once
@pytest.mark.parametrize("name", EVENTS)
def test_a_meeting_reads_well_where_only_title_and_summary_are_shown(scene: Scene, name: str) -> None:
    body = WRITTEN[name](scene)
    assert "2026" in plain(body["summary"])
    assert body["content"].startswith(f"<p><strong>{body['name']}</strong></p>{body['summary']}")
    assert body["sensitive"] is False


def test_a_link_that_is_for_those_who_come_goes_out_to_nobody_else(scene: Scene) -> None:
    assert "meet.example" not in json.dumps(WRITTEN["meeting-online"](scene))


def test_a_dogma_is_what_the_wire_says_a_dogma_is(scene: Scene) -> None:
    """WIRE 5.8: a Note with a name, its title repeated in bold, its version, its likes and its endorsements."""
    body = _dogma_adopted(scene)
    assert (body["type"], body["torv:kind"], body["torv:version"]) == ("Note", "dogma", 2)
    assert body["name"] == "Dogme 1: Vi deler også det, der gik galt"
    assert body["content"].startswith(f"<p><strong>{body['name']}</strong></p>")
    assert "summary" not in body  # on a Note it is a warning
    assert body["name"] not in body["source"]["content"]
    assert body["likes"] == {"id": f"{body['id']}/likes", "type": "Collection", "totalItems": 2}
    assert body["torv:endorsements"] == {"id": f"{body['id']}/endorsements", "type": "Collection", "totalItems": 2}
    assert body["updated"] > body["published"]
    assert body["audience"] in body["to"]
    assert {"type": "Mention", "href": body["audience"], "name": "@spoerg@a.example"} in body["tag"]
    assert {"type": "Hashtag", "href": "https://a.example/t/dogme", "name": "#dogme"} in body["tag"]
    assert "torv:status" not in body
    assert "synes godt om" in body["content"]  # readers elsewhere have no other button


def test_a_proposal_says_so_in_its_name_and_a_withdrawn_dogma_asks_for_no_likes(scene: Scene) -> None:
    proposed = _dogma_proposed(scene)
    assert proposed["name"].startswith("Forslag til dogme: ")
    assert (proposed["torv:status"], "torv:number" in proposed, "audience" in proposed) == ("proposed", False, False)
    withdrawn = _dogma_withdrawn(scene)["object"]
    assert (withdrawn["torv:status"], withdrawn["torv:number"]) == ("withdrawn", 1)
    assert withdrawn["name"].startswith("Dogme 1 (trukket tilbage): ")
    assert "synes godt om" not in withdrawn["content"]


def test_an_organisation_endorses_in_public_and_says_as_what(scene: Scene) -> None:
    body = _endorsed(scene)
    assert (body["type"], body["torv:as"], body["torv:version"]) == ("Like", "Organization", 1)
    assert body["actor"].startswith("https://a.example/org/")
    assert body["to"] == [PUBLIC]
    assert body["audience"] in body["cc"]


def test_what_is_said_of_a_new_version_comes_to_nobody_as_a_notice(scene: Scene) -> None:
    note = _dogma_news(scene)["object"]
    assert {tag["href"] for tag in note["tag"] if tag["type"] == "Mention"} == {"https://a.example/c/spoerg"}
    assert note["content"].startswith("<p><strong>Udgave 2</strong> af »Vi deler også det, der gik galt«: Kortere.</p>")


def test_a_vote_names_members_elsewhere_so_that_their_servers_show_it(scene: Scene) -> None:
    poll = _dogma_vote(scene)["object"]
    assert poll["type"] == "Question"
    assert [one["name"] for one in poll["oneOf"]] == ["Ja, det skal være et dogme", "Nej"]
    assert {"type": "Mention", "href": scene.christina.uri, "name": "@christina@b.example"} in poll["tag"]
    assert scene.christina.uri in poll["cc"]
    assert poll["inReplyTo"]


def test_the_longest_abstract_still_fits(scene: Scene) -> None:
    report = replace(REPORT, abstract="ord " * 75, obstacles=dict.fromkeys(composing.BARRIERS, ""))
    body = objects.post(scene.db, sharing.publish(scene.db, scene.lene, report))
    assert len(plain(body["summary"])) <= objects.SUMMARY_CHARS


def test_a_question_can_go_out_without_name_for_servers_that_fold_named_notes(scene: Scene) -> None:
    body = objects.post(scene.db, scene.question, objects.WITHOUT_NAME)
    assert "name" not in body
    assert body["content"].startswith("<p><strong>Hvem har fået jura")


def test_a_create_whose_post_is_deleted_meanwhile_has_nothing_to_say(scene: Scene) -> None:
    row = newest(scene.db, "Create")
    removing.delete_post(scene.db, scene.lene, scene.answer)
    assert activities.activity_document(scene.db, row) is None


def test_replies_that_a_community_holds_back_are_not_in_the_replies_of_the_question(scene: Scene) -> None:
    before = objects.embedded_replies(scene.db, scene.question)["first"]["items"]
    scene.answer.unreviewed = True
    communities.settings(scene.db, scene.group).holds_outside = True
    scene.db.flush()
    assert before == [scene.answer.uri]
    assert objects.embedded_replies(scene.db, scene.question)["first"]["items"] == []


def test_the_accepted_line_names_an_author_of_another_server(scene: Scene) -> None:
    scene.answer.author_id = scene.christina.id
    scene.question.accepted_id = scene.answer.id
    scene.db.flush()
    body = objects.post(scene.db, scene.question)
    assert body["acceptedAnswer"] == scene.answer.uri
    assert body["content"].endswith(f'<p>✅ Accepteret svar: <a href="{scene.answer.uri}">christina@b.example</a></p>')
