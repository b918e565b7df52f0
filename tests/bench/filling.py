"""A node that grows: a thousand posts a day, made up, as many of each kind and as connected as people write them.

The clock stands at the day the node has come to, so that a node of 10 000 posts is ten days old and one of a million
nearly three years, and whatever looks some days back finds them there. What the functions behind a click keep beside a
post (counts, lists, stems, the dictionary) is written in bulk here; `check` shows that it is what they would have kept.
"""

import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.orm import Session

from models import (
    accounts,
    actors,
    base,
    communities,
    connections,
    figures,
    follows,
    municipalities,
    names,
    tag_follows,
)
from models.actors import Actor, ActorType
from models.base import Base, first_id, insert_all_unless_there, new_id, now
from models.composing import BARRIER_TAGS, BARRIERS
from models.database import Database, Node
from models.follows import Follow
from models.listings import Listing
from models.notifications import Notification, NotificationKind
from models.posts import Kind, Post, PostTag, Recipient, Visibility
from models.reactions import Boost, Vote
from models.search import documents, keeping, spelling
from models.search.documents import ANSWER_ACCEPTED, IS_ACCEPTED, UNANSWERED
from models.search.store import POSTS, Document, is_sqlite
from models.tables import metadata
from tests.bench import repeating
from tests.bench.words import Words

ORIGIN = "https://a.example"
NODE = Node(ORIGIN, "a.example")
A_DAY = 1000
"""Posts."""

BLOCK = 10_000
"""Posts that are written one by one; what comes after them repeats them."""

BATCH = 5000
SHORT, LONG = 20, 2000
"""Answers of two threads that are compared."""

FRESH = 1000
"""Words that nobody used before, in a block."""

PEOPLE = 5000
COMMUNITIES = 40
TAGS = 400
HOSTS = 200
SELDOM = 3
"""People who wrote in the first days only."""


def database_at(url: str) -> Database:
    """The database of the node that is measured."""
    return Database(url, NODE)


@dataclass
class Rows:
    """What one batch writes."""

    tables: dict[type[Base], list[dict[str, Any]]] = field(default_factory=dict)
    documents: list[tuple[int, Document]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def add(self, table: type[Base], **values: Any) -> dict[str, Any]:
        """One more row."""
        self.tables.setdefault(table, []).append(values)
        return values


class GrowingNode:
    """A database, how many posts are in it, and whom it knows. `eva` follows some people, communities and tags.

    `followers`: how many follow `lene`, from a thousand servers.
    """

    def __init__(self, database: Database, *, most: int, people: int = PEOPLE, followers: int = 0) -> None:
        self.database = database
        self.posts = 0
        self.chance = random.Random(2)
        self.words = Words()
        self.codes = list(municipalities.known())
        self.begun = (now() - timedelta(seconds=base.clock.offset, days=most / A_DAY)).replace(microsecond=0)
        self.spelled: set[str] = set()
        self.people: dict[int, dict[str, Any]] = {}
        metadata.create_all(database.engine)
        self._stand(0)
        database.write(lambda db: self._settle(db, people))
        database.write(lambda db: self._follow_lene(db, followers))
        database.write(lambda db: keeping.keep_actors(db, list(self.people)))
        ids = list(self.people)
        self.seldom, self.authors = ids[-SELDOM:], ids[:-SELDOM]
        self.often = list(itertools.accumulate(1 / (rank + 10) for rank in range(len(self.authors))))

    def _when(self, posts: float) -> datetime:
        return self.begun + timedelta(days=posts / A_DAY)

    def _stand(self, posts: float) -> None:
        """Set the clock to the moment at which the node has so many posts."""
        base.clock.offset += (self._when(posts) - now()).total_seconds()

    # Who is there

    def _settle(self, db: Session, people: int) -> None:
        actors.create_local(db, NODE.domain, ActorType.APPLICATION)
        eva, lene, few = (
            accounts.create(db, username=name, email=f"{name}@a.example", password="correct horse battery")
            for name in ("eva", "lene", "few")
        )
        me = actors.get(db, eva.id)
        self.eva, self.lene = eva.id, lene.id
        self.groups = [
            communities.create(db, f"c{number}", self.words.some(2, 3), creator=me if number < 3 else None).id
            for number in range(COMMUNITIES)
        ]
        self.people = {row["id"]: row for row in map(self._person, range(people))}
        db.execute(insert(Actor), list(self.people.values()))
        ids = list(self.people)
        for follower, whom in ((me, self.chance.sample(ids[:-SELDOM], 30)), (actors.get(db, few.id), ids[-SELDOM:])):
            for actor_id in whom:
                follows.accept(db, follows.request(db, follower, actors.get(db, actor_id)))
        for tag in ("tag30", "tag100"):
            tag_follows.follow(db, eva.id, tag)

    def _person(self, number: int) -> dict[str, Any]:
        local = number % 5 == 0
        domain = NODE.domain if local else f"h{number % HOSTS}.example"
        uri = f"https://{domain}/{'u' if local else 'users'}/p{number}"
        return {
            "id": new_id(), "uri": uri, "url": uri, "type": "Person", "local": local, "username": f"p{number}",
            "username_key": f"p{number}", "domain": domain, "name": self.words.some(2, 2).title(),
            "summary": f"<p>{self.words.some(5, 20)}</p>", "inbox": f"{uri}/inbox",
            "shared_inbox": f"https://{domain}/inbox", "followers_uri": f"{uri}/followers", "discoverable": True,
            "indexable": number % 10 != 9, "changed_at": now(),
        }  # fmt: skip

    def _follow_lene(self, db: Session, followers: int) -> None:
        people, rows = [], []
        for number in range(followers):
            domain = f"f{number % 1000}.example"
            uri = f"https://{domain}/users/{number}"
            person = {
                "id": new_id(), "uri": uri, "type": "Person", "local": False, "username": f"f{number}",
                "username_key": f"f{number}", "domain": domain, "inbox": f"{uri}/inbox",
                "shared_inbox": f"https://{domain}/inbox", "changed_at": now(),
            }  # fmt: skip
            people.append(person)
            ends = {"follower_id": person["id"], "target_id": self.lene}
            rows.append({"id": new_id(), "uri": f"{uri}/f", "state": "accepted", **ends})
        if rows:
            db.execute(insert(Actor), people)
            db.execute(insert(Follow), rows)

    # What they write

    def begin(self) -> None:
        """Write the first `BLOCK` posts, each by itself, and a day earlier a short and a very long thread."""
        for answers in (SHORT, LONG):
            self._thread(answers)
        with self._settled():
            while self.posts < BLOCK:
                rows = self._batch(min(BATCH, BLOCK - self.posts))
                self._stand(self.posts)
                self.database.write(lambda db, rows=rows: self._write(db, rows))
        self.database.write(names.rebuild)

    def grow(self, to: int) -> None:
        """Go on until there are so many posts, by saying the same again and again, and with some words that are new."""
        first = first_id(self.begun)
        with self._settled():
            while self.posts < to:
                times = self.posts // BLOCK
                self._stand(self.posts + BLOCK)
                said = [self.words.new() for _ in range(FRESH)]
                self.database.write(lambda db, times=times: repeating.repeat(db, first, BLOCK / A_DAY, times))
                self.database.write(lambda db, said=said: self._spell(db, said))
                self.posts += BLOCK

    @contextmanager
    def _settled(self) -> Iterator[None]:
        """Count anew afterwards. PostgreSQL makes the index of what is searched in one go: a fraction of the time."""
        drop, make = f"DROP INDEX IF EXISTS ix_{POSTS.table}_stems", POSTS.statements(self.database.engine.dialect)[-1]
        if not self.database.sqlite:
            self.database.write(lambda db: db.execute(text(drop)))
        yield
        if not self.database.sqlite:
            with self.database.engine.begin() as connection:
                connections.without_limits(connection)
                connection.execute(text(make))
        self.database.write(figures.recount)
        if not self.database.sqlite:  # where a node gathers no statistics, so that none may be of help here
            with self.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))

    def _thread(self, answers: int) -> None:
        """A question with so many answers, and a comment below every fourth."""
        rows = Rows()
        question = self._question(rows, self._when(-A_DAY))
        for number in range(answers):
            answer = self._reply(rows, self._when(number / 100 - A_DAY), question, Kind.ANSWER)
            if number % 4 == 0:
                self._reply(rows, self._when((number + 1) / 100 - A_DAY), answer, Kind.COMMENT)
        self._end(rows)
        self.database.write(lambda db: self._write(db, rows))

    def _batch(self, number: int) -> Rows:
        rows = Rows()
        questions: list[dict[str, Any]] = []
        answers: list[dict[str, Any]] = []
        for _ in range(number):
            at = self._when(self.posts)
            self.posts += 1
            kind = self.chance.random()
            if kind < 0.2 or not questions:
                questions.append(self._question(rows, at))
            elif kind < 0.4:
                self._note(rows, at)
            elif kind < 0.8 or not answers:
                answers.append(self._reply(rows, at, self._late(questions), Kind.ANSWER))
            else:
                self._reply(rows, at, self._late(answers), Kind.COMMENT)
        self._end(rows)
        return rows

    def _late(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        return rows[-min(int(self.chance.paretovariate(0.7)), len(rows))]

    def _author(self) -> int:
        if 0 < self.posts <= 1000 and self.posts % 20 == 0:
            return self.seldom[self.posts // 20 % SELDOM]
        return self.chance.choices(self.authors, cum_weights=self.often)[0]

    def _post(self, rows: Rows, at: datetime, **values: Any) -> dict[str, Any]:
        at = at.replace(microsecond=0)
        id, author = new_id(at), self._author()
        local = self.people[author]["local"]
        uri = f"{ORIGIN}/p/{id}" if local else f"https://{self.people[author]['domain']}/notes/{id}"
        up = min(int(self.chance.paretovariate(2)) - 1, 40)
        row = rows.add(Post, **{
            "id": id, "uri": uri, "url": uri, "local": local, "author_id": author, "kind": Kind.NOTE,
            "object_type": "Note", "visibility": Visibility.PUBLIC, "title": "", "source": "", "summary": "",
            "content": f"<p>{self.words.some(15, 70)}</p>", "sensitive": False, "language": "da", "attachments": [],
            "extra": {}, "in_reply_to_uri": "", "in_reply_to_id": None, "thread_id": id, "community_id": None,
            "context_uri": "", "unreviewed": False, "accept_uri": "", "accepted_id": None, "accepted_by_id": None,
            "accepted_at": None, "up": up, "down": 0, "reply_count": 0, "answer_count": 0, "answered_after": None,
            "boost_count": 0, "published": at, **values,
        })  # fmt: skip
        for voter in self.chance.sample(self.authors, up):
            number = new_id(at + timedelta(hours=1))
            rows.add(Vote, id=number, uri=f"{uri}#{number}", actor_id=voter, post_id=id, value=1)
        if self.chance.random() < 0.1:
            row["boost_count"] = 1
            number, booster = new_id(at + timedelta(hours=2)), self._author()
            rows.add(Boost, id=number, uri=f"{uri}#{number}", actor_id=booster, post_id=id, visibility="public")
        if self.chance.random() < 0.005:
            number = new_id(at + timedelta(hours=1))
            who = self._author()
            rows.add(
                Notification, id=number, account_id=self.eva, kind=NotificationKind.VOTE, from_id=who, post_id=id,
                subject=str(id), group_key=f"favourite-{id}", filtered=False, created_at=at,
            )  # fmt: skip
        return row

    def _question(self, rows: Rows, at: datetime) -> dict[str, Any]:
        barrier = self.chance.choice(BARRIERS)
        about = {"barriers": [barrier], "municipality": self.chance.choice(self.codes)}
        group = self.chance.choice(self.groups)
        row = self._post(rows, at, kind=Kind.QUESTION, title=self.words.some(5, 12), community_id=group, extra=about)
        self._tag(rows, row, BARRIER_TAGS.get(barrier, barrier))
        rows.add(
            Listing, id=new_id(row["published"]), community_id=group, post_id=row["id"], through_id=None,
            announce_uri=f"{row['uri']}#announce",
        )  # fmt: skip
        return row

    def _note(self, rows: Rows, at: datetime) -> None:
        open_to = self.chance.choices(("public", "unlisted", "followers"), (8, 1, 1))[0]
        self._tag(rows, self._post(rows, at, visibility=open_to))

    def _tag(self, rows: Rows, row: dict[str, Any], *more: str) -> None:
        for tag in sorted({*more, f"tag{min(int(self.chance.paretovariate(0.6)), TAGS)}"}):
            rows.add(PostTag, post_id=row["id"], name=tag, shown=tag)

    def _reply(self, rows: Rows, at: datetime, parent: dict[str, Any], kind: Kind) -> dict[str, Any]:
        row = self._post(
            rows, at, kind=kind, in_reply_to_id=parent["id"], in_reply_to_uri=parent["uri"],
            thread_id=parent["thread_id"], community_id=parent["community_id"],
        )  # fmt: skip
        parent["reply_count"] += 1
        if kind == Kind.ANSWER:
            parent["answer_count"] += 1
            if parent["answered_after"] is None:
                parent["answered_after"] = int((row["published"] - parent["published"]).total_seconds())
            if parent["accepted_id"] is None and self.chance.random() < 0.2:
                parent |= {"accepted_id": row["id"], "accepted_by_id": parent["author_id"], "accepted_at": at}
        if row["author_id"] != parent["author_id"]:
            rows.add(Recipient, post_id=row["id"], actor_id=parent["author_id"], mentioned=True)
        return row

    def _end(self, rows: Rows) -> None:
        """What is searched, once all that was said is known."""
        made = rows.tables[Post]
        roots = {row["id"]: row for row in made if row["thread_id"] == row["id"]}
        tags: dict[int, list[str]] = {}
        for row in rows.tables.get(PostTag, ()):
            tags.setdefault(row["post_id"], []).append(row["name"])
        for row in made:
            document = self._document(row, roots[row["thread_id"]], tags.get(row["id"], []))
            if document is not None:
                rows.documents.append((row["id"], document))
                rows.said += [row["title"], row["content"][3:-4]]

    def _document(self, row: dict[str, Any], root: dict[str, Any], tags: list[str]) -> Document | None:
        author = self.people[row["author_id"]]
        public = row["visibility"] == Visibility.PUBLIC
        if public and author["indexable"]:
            marks = [documents.FOUND_BY_ALL]
        elif public and row["community_id"]:
            marks = [documents.FOUND_IN_COMMUNITY]
        elif author["local"]:
            marks = [documents.FOUND_BY_AUTHOR]
        else:
            return None
        marks += [documents.kind_mark(row["kind"]), documents.author_mark(row["author_id"])]
        if root["extra"]:
            marks.append(documents.community_mark(row["community_id"]))
            marks += [documents.barrier_mark(one) for one in root["extra"]["barriers"]]
            marks.append(documents.municipality_mark(root["extra"]["municipality"]))
        marks += [documents.tag_mark(tag) for tag in tags]
        if row["kind"] == Kind.QUESTION:
            marks += [UNANSWERED] if not row["answer_count"] else []
            marks += [ANSWER_ACCEPTED] if row["accepted_id"] else []
        elif root["accepted_id"] == row["id"]:
            marks.append(IS_ACCEPTED)
        said = row["content"][3:-4]
        return Document(self.words.stemmed(row["title"]), self.words.stemmed(said), tuple(marks))

    # Writing it

    def _write(self, db: Session, rows: Rows) -> None:
        for table, made in rows.tables.items():
            db.execute(insert(table), made)
        POSTS.add(db, dict(rows.documents))
        self._spell(db, rows.said)

    def _spell(self, db: Session, said: list[str]) -> None:
        fresh = {word for one in said for word in one.split()} - self.spelled
        self.spelled |= fresh
        kept = sorted(spelling.words_of(" ".join(fresh)))
        pieces = [{"piece": p, "length": len(word), "word": word} for word in kept for p in spelling.pieces(word)]
        if kept:
            insert_all_unless_there(db, spelling.SpelledWord, [{"word": word} for word in kept])
            insert_all_unless_there(db, spelling.SpelledPiece, pieces)

    def check(self, number: int = 100) -> None:
        """Some of the newest posts have in the index what the functions behind a click would have put there."""

        def look(db: Session) -> None:
            before = _kept(db)
            keeping.keep_posts(db, list(before))
            assert _kept(db) == before
            assert before

        def _kept(db: Session) -> dict[int, str]:
            ids = list(db.scalars(select(Post.id).order_by(Post.id.desc()).limit(number)))
            column, shown = ("rowid", "title || body || marks") if is_sqlite(db) else ("id", "CAST(stems AS text)")
            sql = text(f"SELECT {column}, {shown} FROM {POSTS.table} WHERE {column} IN :ids")
            return {row[0]: row[1] for row in db.execute(sql.bindparams(bindparam("ids", ids, expanding=True)))}

        self.database.write(look)
