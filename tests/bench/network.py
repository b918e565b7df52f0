"""Two weeks of 98 municipalities with a node each: `python -m tests.bench.network [seed] [days] > deploy/network.txt`.

A discrete-event simulation. What the nodes do is the project's own (back-off, circuits, parking, order per thing, who is
told what, what is fetched), with its numbers imported; what people do and how machines fail is assumed, and every
assumption stands in `Assumed`. The same seed gives the same two weeks.
"""

import heapq
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from federation.handlers.create import AGAIN_AFTER
from models.jobs import ATTEMPTS, WAITS, spread
from models.peers import READS_WRAPS
from tests.bench.network_links import DAY, KEPT_S, LIMITS, Delivery, Link

VOTES = ("Like", "Announce of a vote, wrapped")
HOUR = 3600.0
MINUTE = 60.0


@dataclass(frozen=True)
class Assumed:
    """What we take people and machines to be like. Times in seconds, rates per day unless said otherwise."""

    nodes: int = 98
    people: int = 300
    """Active people per node on average; a few nodes have many (log-normal, sigma 0.8)."""
    questions: float = 0.02
    answers: float = 0.06
    votes: float = 0.15
    notes: float = 0.05
    """Per person on a working day."""
    hours: tuple[int, ...] = (1, 1, 1, 1, 1, 2, 8, 20, 60, 80, 80, 70, 60, 75, 70, 55, 40, 25, 25, 30, 35, 25, 10, 4)
    weekdays: tuple[float, ...] = (1.0, 1.1, 1.1, 1.0, 0.8, 0.25, 0.3)
    """Monday is the first day."""
    twins: int = 5
    """Other communities that each community is twinned with."""
    joined: int = 4
    """Communities elsewhere that some of a node's people follow, besides."""
    followed_from: int = 3
    """Nodes on which somebody who writes has followers, on average."""
    away: float = 0.35
    """Share of answers and votes that come from another node than the community's."""
    receiving: float = 0.010
    """CPU seconds that one inbound activity takes."""
    answering: float = 0.15
    """Median of the time a node takes to answer (log-normal, sigma 0.5)."""
    crashes: float = 1 / 45
    """Per node and day; half of them look like a refused connection, half like a silent one."""
    crash: float = 25 * MINUTE
    """Median length (log-normal, sigma 1)."""
    slow_spells: float = 1 / 30
    slow_spell: float = 2 * HOUR
    """In which answering takes `slowness` times as long, often too long."""
    slowness: float = 60.0
    whole_day: int = 1
    """Nodes that are down for all of the second Wednesday."""
    hoster: int = 12
    """Nodes in one data centre that is cut off for two hours on the first Tuesday from 10 o'clock."""
    restored: int = 2
    """Nodes that break on the first Thursday at 14 and come back an hour later as of that night's backup (03:00)."""
    gone: int = 1
    """Nodes that go on the first day and never come back."""


class Spell(NamedTuple):
    """A stretch of time in which a node is `down` (refuses), `silent` or `slow`."""

    begin: float
    end: float
    kind: str


class Activity(NamedTuple):
    """One activity. `carries`: a post in full, signed by its author, so that nothing has to be fetched."""

    kind: str
    sender: int
    post: int
    carries: bool


class Post(NamedTuple):
    """Something written. `community` is the node whose community it is in, -1 for a note."""

    origin: int
    author: int
    community: int
    parent: int


@dataclass
class Node:
    """One municipality."""

    people: int
    members: list[int] = field(default_factory=list)
    """Nodes on which the community has followers: twins, and those whose people joined."""
    reach: list[list[int]] = field(default_factory=list)
    """For each of the people who write: the nodes with followers of theirs."""
    spells: list[Spell] = field(default_factory=list)
    known: dict[int, float] = field(default_factory=dict)
    """Posts, and since when."""
    actors: set[int] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)
    """Posts it had before it was restored."""
    busy_until: float = 0.0
    fetching: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """Posts that are being fetched, and the activities that wait for them: the inbox does one at a time per thing."""

    def state(self, at: float) -> str:
        """How it answers at a moment: `up`, `down`, `silent` or `slow`."""
        found = [spell.kind for spell in self.spells if spell.begin <= at < spell.end]
        return next((kind for kind in ("down", "silent", "slow") if kind in found), "up")

    def is_up(self, at: float) -> bool:
        """Whether it does anything at all."""
        return self.state(at) in {"up", "slow"}

    def up_again(self, at: float) -> float:
        """When it does something next."""
        while not self.is_up(at):
            at = min(spell.end for spell in self.spells if spell.begin <= at < spell.end and spell.kind != "slow")
        return at


class Network:
    """The nodes, what is under way between them, and what was counted."""

    def __init__(self, seed: int, days: float, assumed: Assumed | None = None, *, quiet_end: float = 0.0) -> None:
        self.assumed, self.days = assumed or Assumed(), days
        self.end = (days + quiet_end) * DAY
        """Nobody writes in the last `quiet_end` days; what waits may still arrive."""
        self._before = random.getstate()
        random.seed(seed)  # also behind `models.jobs.spread`
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._number = 0
        self.now = 0.0
        self.count: Counter[str] = Counter()
        self.by_kind: Counter[str] = Counter()
        self.ages: list[float] = []
        """How long each delivery took, to nodes that were up all the while."""
        self.late: list[float] = []
        """The same, to nodes that were down meanwhile."""
        self.oldest = {"to nodes that are up": 0.0, "to nodes that are down": 0.0, "in the inbox": 0.0}
        self.inbound: Counter[tuple[int, int]] = Counter()
        """Activities by node and minute."""
        self.outbound: Counter[tuple[int, int]] = Counter()
        self.activities: list[Activity] = []
        self.posts: list[Post] = []
        self.questions: dict[int, list[int]] = defaultdict(list)
        self.links: dict[tuple[int, int], Link] = defaultdict(Link)
        self.nodes = [Node(max(5, int(self.assumed.people * random.lognormvariate(-0.32, 0.8)))) for _ in range(self.assumed.nodes)]  # fmt: skip
        assert "torv" in READS_WRAPS, "all nodes read what communities wrap"
        self._befriend()
        self._break()

    # The world

    def _befriend(self) -> None:
        every = range(len(self.nodes))
        sizes = [node.people for node in self.nodes]
        members: dict[int, set[int]] = defaultdict(set)
        for home in every:
            for twin in random.sample(
                [other for other in every if other != home], min(self.assumed.twins, len(every) - 1)
            ):
                members[home].add(twin)
                members[twin].add(home)
        for here in every:
            for liked in random.choices(every, sizes, k=self.assumed.joined):
                members[liked].add(here)
        for home, node in enumerate(self.nodes):
            node.members = sorted(members[home] - {home})
            for _ in range(max(1, node.people // 5)):
                hosts = min(int(random.expovariate(1 / self.assumed.followed_from)), len(every) - 1)
                node.reach.append(sorted(set(random.choices(every, sizes, k=hosts)) - {home}))

    def _break(self) -> None:
        a = self.assumed
        for node in self.nodes:
            at = random.expovariate(a.crashes) * DAY if a.crashes else self.end
            while at < self.end:
                length = a.crash * random.lognormvariate(0, 1)
                node.spells.append(Spell(at, at + length, random.choice(("down", "silent"))))
                at += length + random.expovariate(a.crashes) * DAY
            at = random.expovariate(a.slow_spells) * DAY if a.slow_spells else self.end
            while at < self.end:
                node.spells.append(Spell(at, at + a.slow_spell, "slow"))
                at += a.slow_spell + random.expovariate(a.slow_spells) * DAY
        unlucky = iter(random.sample(self.nodes, min(a.whole_day + a.hoster + a.restored + a.gone, len(self.nodes))))
        for _, node in zip(range(a.gone), unlucky):  # noqa: B905 - the fewer of the two
            node.spells.append(Spell(0.5 * DAY, float("inf"), "silent"))
        for _, node in zip(range(a.whole_day), unlucky):  # noqa: B905
            node.spells.append(Spell(9 * DAY, 10 * DAY, "down"))
        for _, node in zip(range(a.hoster), unlucky):  # noqa: B905
            node.spells.append(Spell(DAY + 10 * HOUR, DAY + 12 * HOUR, "silent"))
        for _, node in zip(range(a.restored), unlucky):  # noqa: B905
            broke = 3 * DAY + 14 * HOUR
            node.spells.append(Spell(broke, broke + HOUR, "down"))
            self._at(broke + HOUR, self._restore, self.nodes.index(node), 3 * DAY + 3 * HOUR)

    # Time

    def _at(self, when: float, what: Callable[..., None], *how: Any) -> None:
        self._number += 1
        heapq.heappush(self._events, (when, self._number, what, how))

    def run(self) -> "Network":
        """Let the time pass; nothing is left to happen afterwards but what comes after the end."""
        try:
            for hour in range(int(self.days * 24)):
                self._at(hour * HOUR, self._write_for_an_hour, hour)
            for hour in range(int(self.end / HOUR)):
                self._at(hour * HOUR, self._look)
            while self._events and self._events[0][0] <= self.end:
                self.now, _, what, how = heapq.heappop(self._events)
                what(*how)
        finally:
            random.setstate(self._before)
        return self

    def _look(self) -> None:
        for (_, to), link in self.links.items():
            if link.waiting:
                where = "to nodes that are up" if self.nodes[to].is_up(self.now) else "to nodes that are down"
                self.oldest[where] = max(self.oldest[where], self.now - link.oldest)
            if link.parked:  # as `deliveries.sweep`
                self.count["given up: a week old, to a node that is parked"] += link.give_up(
                    older_than=self.now - KEPT_S
                )

    # People

    def _write_for_an_hour(self, hour: int) -> None:
        a = self.assumed
        share = a.hours[hour % 24] / sum(a.hours) * a.weekdays[hour // 24 % 7]
        for here, node in enumerate(self.nodes):
            for what, rate in (("question", a.questions), ("answer", a.answers), ("vote", a.votes), ("note", a.notes)):
                at = 0.0
                while (at := at + random.expovariate(max(node.people * rate * share, 1e-9))) < 1:
                    self._at(self.now + at * HOUR, self._act, here, what)

    def _act(self, here: int, what: str) -> None:
        node = self.nodes[here]
        if not node.is_up(self.now):
            self.count["not written: the node was down"] += 1
            return
        author = random.randrange(len(node.reach))
        told = list(node.reach[author])
        if what == "note":
            self._send(here, "Create of a note", self._write(here, author, -1, -1), told, carries=True)
        elif what == "question":
            post = self._write(here, author, here, -1)
            self.questions[here].append(post)
            self._send(here, "Create of a question", post, told, carries=True)
            self._wrap(here, "question", post)
        elif (asked := self._question_for(here)) is not None:
            question = self.posts[asked]
            concerned = {question.community, question.origin} - {here}
            if what == "answer":
                post = self._write(here, author, question.community, asked)
                self._send(here, "Create of an answer", post, sorted({*told, *concerned}), carries=True)
            else:
                post = asked
                self._send(here, "Like", post, sorted(concerned), carries=False)
            if question.community == here:
                self._wrap(here, what, post)

    def _write(self, here: int, author: int, community: int, parent: int) -> int:
        self.posts.append(Post(here, here * 100_000 + author, community, parent))
        self.nodes[here].known[len(self.posts) - 1] = self.now
        return len(self.posts) - 1

    def _question_for(self, here: int) -> int | None:
        """One of the newest questions that is read here: of the own community, or of one that is followed here."""
        home = here
        if random.random() < self.assumed.away:
            home = random.choice([other for other, node in enumerate(self.nodes) if here in node.members] or [here])
        seen = [post for post in self.questions[home][-20:] if post in self.nodes[here].known]
        return seen[-1 - min(int(random.expovariate(0.3)), len(seen) - 1)] if seen else None

    # Sending

    def _wrap(self, home: int, what: str, post: int) -> None:
        """What the community of a thread tells its followers' servers (`models.listings`): the activity wrapped, and a
        new thread plainly as well, for those who do not read that."""
        self._send(
            home,
            f"Announce of {'an' if what == 'answer' else 'a'} {what}, wrapped",
            post,
            self.nodes[home].members,
            carries=False,
        )
        if what == "question":
            self._send(home, "Announce of a question, plain", post, self.nodes[home].members, carries=False)

    def _send(self, here: int, kind: str, post: int, to: Sequence[int], *, carries: bool) -> None:
        if not to:
            return
        self.activities.append(Activity(kind, here, post, carries))
        self.by_kind[kind] += 1
        for there in to:
            self.count["deliveries"] += 1
            link = self.links[here, there]
            link.add(Delivery(len(self.activities) - 1, post, self.now, self.now))
            self._wake(here, there, self.now)

    def _wake(self, here: int, there: int, when: float) -> None:
        link = self.links[here, there]
        if when < link.wake_at:
            link.wake_at = when
            self._at(when, self._turn, here, there)

    def _turn(self, here: int, there: int) -> None:
        link = self.links[here, there]
        if self.now >= link.wake_at:
            link.wake_at = float("inf")
        if not self.nodes[here].is_up(self.now):
            again = self.nodes[here].up_again(self.now)
            if again < self.end:
                self._wake(here, there, again)
            return
        while (delivery := link.take(self.now)) is not None:
            self.count["attempts"] += 1
            self.outbound[here, int(self.now / MINUTE)] += 1
            state = self.nodes[there].state(self.now)
            took = {"down": 0.05, "silent": LIMITS.delivery_deadline}.get(state, self._answer(state))
            good = state in {"up", "slow"} and took < LIMITS.delivery_deadline
            self._at(self.now + min(took, LIMITS.delivery_deadline), self._landed, here, there, delivery, good)
        when = link.next_look()
        if when < self.end:
            self._wake(here, there, max(when, self.now))

    def _answer(self, state: str) -> float:
        return (
            self.assumed.answering * random.lognormvariate(0, 0.5) * (self.assumed.slowness if state == "slow" else 1)
        )

    def _landed(self, here: int, there: int, delivery: Delivery, good: bool) -> None:
        link = self.links[here, there]
        if good:
            link.arrived(delivery, self.now)
            self.count["arrived"] += 1
            lived = self.nodes[there].spells
            clean = not any(spell.begin < self.now and spell.end > delivery.created for spell in lived)
            (self.ages if clean else self.late).append(self.now - delivery.created)
            self._arrive(there, delivery.activity)
            self.links[there, here].heard_from(self.now)  # as `peers.seen`
            self._wake(there, here, self.now)
        else:
            self.count["attempts that failed"] += 1
            if link.failed(delivery, self.now):
                self.count["given up: after the last attempt"] += 1
        self._wake(here, there, self.now)

    # Receiving

    def _arrive(self, here: int, activity: int) -> None:
        node = self.nodes[here]
        self.inbound[here, int(self.now / MINUTE)] += 1
        node.busy_until = max(self.now, node.busy_until) + self.assumed.receiving
        self.oldest["in the inbox"] = max(self.oldest["in the inbox"], node.busy_until - self.now)
        self._at(node.busy_until, self._process, here, activity, 1)

    def _process(self, here: int, activity: int, attempt: int) -> None:
        node, what = self.nodes[here], self.activities[activity]
        if not node.is_up(self.now):
            self._at(node.up_again(self.now), self._process, here, activity, attempt)
            return
        post = self.posts[what.post]
        if what.carries:
            self._meet(here, post.author)
            self._learn(here, what.post, activity)
            if post.parent >= 0 and post.parent not in node.known:
                self._fetch(here, post.parent, -1, attempt)
        elif what.kind in VOTES:
            if what.post not in node.known:
                self.count["votes without effect: the post is not known"] += 1
            elif what.kind == "Like" and post.community == here:
                self._wrap(here, "vote", what.post)
        elif what.post not in node.known:
            self._fetch(here, what.post, activity, attempt)

    def _meet(self, here: int, author: int) -> None:
        if author not in self.nodes[here].actors:
            self.nodes[here].actors.add(author)
            self.count["fetches of actors and their keys"] += 1

    def _learn(self, here: int, post: int, activity: int) -> None:
        """A post is known here now. If the community is ours, its followers are told."""
        node = self.nodes[here]
        fresh = post not in node.known
        node.known.setdefault(post, self.now)
        found = self.posts[post]
        if fresh and activity >= 0 and found.community == here and found.origin != here and post not in node.lost:
            self._wrap(here, "answer" if found.parent >= 0 else "question", post)

    def _fetch(self, here: int, post: int, activity: int, attempt: int) -> None:
        node, origin = self.nodes[here], self.posts[post].origin
        if post in node.fetching:
            node.fetching[post].append((activity, attempt))
            return
        node.fetching[post] = []
        self.count["fetches of posts"] += 1
        if post in node.lost:
            self.count["fetches of posts again, after a restore"] += 1
        state = self.nodes[origin].state(self.now)
        took = {"down": 0.05, "silent": LIMITS.fetch_deadline}.get(state, self._answer(state))
        good = state in {"up", "slow"} and took < LIMITS.fetch_deadline
        self._at(self.now + min(took, LIMITS.fetch_deadline), self._fetched, here, post, activity, attempt, good)

    def _fetched(self, here: int, post: int, activity: int, attempt: int, good: bool) -> None:
        node = self.nodes[here]
        waiting = node.fetching.pop(post)
        if good:
            if post in node.known:
                self.count["fetches of what had come meanwhile"] += 1
            self._meet(here, self.posts[post].author)
            self._learn(here, post, -1)
        else:
            self.count["fetches that failed"] += 1
            if attempt >= ATTEMPTS:
                self.count["posts not to be had in the end"] += 1
            else:
                first = AGAIN_AFTER.total_seconds() if activity < 0 and attempt == 1 else spread(WAITS[attempt - 1])
                self._at(self.now + first, self._again, here, post, activity, attempt + 1)
        for other, tried in waiting:
            self._again(here, post, other, tried)

    def _again(self, here: int, post: int, activity: int, attempt: int) -> None:
        if post not in self.nodes[here].known:
            if activity >= 0:
                self._process(here, activity, attempt)
            else:
                self._fetch(here, post, activity, attempt)

    def _restore(self, here: int, as_of: float) -> None:
        """`torv restore`: what came after the backup is forgotten, what waits is held back."""
        node = self.nodes[here]
        node.lost |= {post for post, since in node.known.items() if since > as_of and self.posts[post].origin != here}
        node.known = {post: since for post, since in node.known.items() if since <= as_of}
        for (sender, _), link in self.links.items():
            if sender == here:
                self.count["held back by a restore"] += link.give_up()

    # The end

    @property
    def waiting(self) -> int:
        """Deliveries that are queued or under way."""
        return sum(link.waiting for link in self.links.values())

    def accounted(self) -> int:
        """Deliveries of which it is known what became of them."""
        ends = ("arrived", "given up: after the last attempt", "given up: a week old, to a node that is parked",
                "held back by a restore")  # fmt: skip
        return sum(self.count[end] for end in ends) + self.waiting


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them do not exceed; 0 for none."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def _duration(seconds: float) -> str:
    for size, unit in ((DAY, "days"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.2f} s"


def report(network: Network, seed: int) -> str:
    """What happened, as a text of two columns."""
    lines = [f"{network.assumed.nodes} nodes, {network.days:g} days, seed {seed}", ""]

    def say(name: str, value: Any) -> None:
        lines.append(f"{name:<58}{value:>14}")

    lines.append("ASSUMED (tests/bench/network.py says what each means)")
    for name in Assumed.__dataclass_fields__:
        value = getattr(network.assumed, name)
        lines.append(f"  {name:<16}{' '.join(map(str, value)) if isinstance(value, tuple) else round(value, 4)}")
    lines += ["", "ACTIVITIES"]
    say("people", sum(node.people for node in network.nodes))
    say(
        "nodes that follow a community, on average",
        round(sum(len(n.members) for n in network.nodes) / len(network.nodes), 1),
    )
    say("posts", len(network.posts))
    for kind, times in sorted(network.by_kind.items()):
        say(kind, times)
    lines += ["", "DELIVERIES"]
    for name in sorted(network.count):
        if not name.startswith(("fetches", "posts", "votes", "not written")):
            say(name, network.count[name])
    say("waiting at the end", network.waiting)
    say("of which nobody knows what became", network.count["deliveries"] - network.accounted())
    say("most in a minute, out of one node", max(network.outbound.values(), default=0))
    say("most in a minute, into one node", max(network.inbound.values(), default=0))
    lines += ["", "HOW LONG A DELIVERY TOOK"]
    for name, found in (
        ("to nodes that were well", network.ages),
        ("to nodes that were down or slow meanwhile", network.late),
    ):
        for share, word in ((0.5, "median"), (0.95, "95 %"), (0.99, "99 %"), (1.0, "longest")):
            say(f"{name}, {word}", _duration(percentile(found, share)))
    lines += ["", "WORST AGE OF WHAT WAITED (looked at every hour)"]
    for name, age in network.oldest.items():
        say(name, _duration(age))
    lines += ["", "FETCHES"]
    for name in sorted(network.count):
        if name.startswith(("fetches", "posts", "votes", "not written")):
            say(name, network.count[name])
    return "\n".join(lines)


def main() -> None:
    """Run and print."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    days = float(sys.argv[2]) if len(sys.argv) > 2 else 14.0
    print(report(Network(seed, days).run(), seed))


if __name__ == "__main__":
    main()
