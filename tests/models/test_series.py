"""Series: each meeting for itself, and changes that hold for one, or for it and all later ones."""

from dataclasses import replace

from sqlalchemy.orm import Session

from models import meetings, planning, recurring, series, zones
from models.database import Database
from models.meetings import Meeting
from models.planning import Around
from models.posts import Post
from models.recurring import Every, Pattern
from models.series import Stop
from tests.models.test_anonymity import one
from tests.models.test_meetings import PLAN, plan, refused, wall


def tuesdays(db: Session, count: int = 4) -> list[Post]:
    """Every first Tuesday from 2 September 2031 on, over the October change."""
    first = plan(db, starts=wall("2031-09-02T16:00"), ends=wall("2031-09-02T18:00"), around=Around(community=one(db, "udfordrere")))  # fmt: skip
    return [first, *series.repeat(db, one(db, "birk"), first, Pattern(Every.MONTH_WEEKDAY, count=count))]


def shown(db: Session, posts: list[Post]) -> list[str]:
    rows = [db.get_one(Meeting, post.id) for post in posts]
    return [f"{zones.wall(row.starts_at, row.timezone):%d.%m. %H:%M}-{zones.wall(row.ends_at, row.timezone):%H:%M}" for row in rows]  # fmt: skip


def test_each_is_a_post_of_its_own_at_the_same_hour_over_the_october_change(lived_in: Database) -> None:
    def write(db: Session) -> None:
        posts = tuesdays(db)
        assert shown(db, posts) == [
            "02.09. 16:00-18:00",
            "07.10. 16:00-18:00",
            "04.11. 16:00-18:00",
            "02.12. 16:00-18:00",
        ]
        offsets = [db.get_one(Meeting, post.id).starts_at.hour for post in posts]
        assert offsets == [14, 14, 15, 15]
        assert len({post.uri for post in posts}) == 4 and {post.community_id for post in posts} == {
            one(db, "udfordrere").id
        }
        row = db.get_one(Meeting, posts[2].id)
        assert [post.id for post, _ in series.of(db, None, row)] == [post.id for post in posts]
        assert [post.id for post, _ in series.later(db, one(db, "birk"), row)] == [posts[3].id]

    lived_in.write(write)


def test_the_same_theme_in_other_towns(lived_in: Database) -> None:
    def write(db: Session) -> None:
        first = plan(db)
        stops = [
            Stop(wall("2031-12-09T17:00"), wall("2031-12-09T19:00"), "Biblioteket", "Odense"),
            Stop(wall("2031-12-16T17:00"), None, "Kulturhuset", "Aalborg"),
        ]
        posts = series.tour(db, one(db, "birk"), first, stops)
        rows = [db.get_one(Meeting, post.id) for post in posts]
        assert [(row.place, row.town, row.municipality, row.latitude) for row in rows] == [
            *(("Biblioteket", "Odense", "0461", None), ("Kulturhuset", "Aalborg", "0851", None)),
        ]
        assert {row.series_id for row in rows} == {db.get_one(Meeting, first.id).series_id}
        assert {post.title for post in posts} == {first.title}

    lived_in.write(write)


def change(db: Session, post: Post, **changed: object) -> None:
    """As the form does it: this one, then all later ones."""
    birk, row = one(db, "birk"), db.get_one(Meeting, post.id)
    before = meetings.plan_of(post, row)
    after = replace(before, **changed)  # type: ignore[arg-type]
    planning.edit(db, birk, post, after, Around(visibility=post.visibility))
    series.edit_later(db, birk, post, before, after)


def test_a_change_of_this_and_later_ones_leaves_earlier_ones_and_what_was_not_changed(lived_in: Database) -> None:
    def write(db: Session) -> None:
        posts = tuesdays(db)
        planning.edit(db, one(db, "birk"), posts[3], replace(PLAN, starts=wall("2031-12-03T15:00"), ends=wall("2031-12-03T16:00"), town="Odense"))  # fmt: skip
        change(db, posts[1], place="Biblioteket", starts=wall("2031-10-08T17:00"), ends=wall("2031-10-08T19:00"))
        assert shown(db, posts) == [
            "02.09. 16:00-18:00",
            "08.10. 17:00-19:00",
            "05.11. 17:00-19:00",
            "04.12. 16:00-18:00",
        ]
        rows = [db.get_one(Meeting, post.id) for post in posts]
        assert [row.place for row in rows] == ["Rådhuset", *["Biblioteket"] * 3]
        assert [row.town for row in rows] == [*["Eksempelby"] * 3, "Odense"]

    lived_in.write(write)


def test_calling_this_and_later_ones_off(lived_in: Database) -> None:
    def write(db: Session) -> None:
        posts = tuesdays(db)
        assert series.cancel_later(db, one(db, "birk"), posts[2], "Ingen lokaler") == 2
        rows = [db.get_one(Meeting, post.id) for post in posts]
        assert [row.cancelled for row in rows] == [False, False, True, True]
        assert rows[3].cancelled_why == "Ingen lokaler"

    lived_in.write(write)


def test_a_series_can_be_made_longer_but_not_endless(lived_in: Database) -> None:
    def write(db: Session) -> None:
        posts = tuesdays(db)
        more = series.repeat(db, one(db, "birk"), posts[-1], Pattern(Every.WEEK, count=3))
        row = db.get_one(Meeting, posts[0].id)
        assert len(series.of(db, None, row)) == 6 and db.get_one(Meeting, more[0].id).series_id == row.series_id

    lived_in.write(write)
    post_id = lived_in.write(lambda db: plan(db, capacity=None).id)
    birk = lambda db: one(db, "birk")  # noqa: E731
    weeks = Pattern(Every.WEEK, count=recurring.MOST)
    lived_in.write(lambda db: series.repeat(db, birk(db), db.get_one(Post, post_id), weeks))
    assert refused(lived_in, lambda db: series.repeat(db, birk(db), db.get_one(Post, post_id), weeks)) == "pattern_long"


def test_only_its_organiser_repeats_a_meeting(lived_in: Database) -> None:
    post_id = lived_in.write(lambda db: plan(db).id)
    stop = [Stop(wall("2031-12-09T17:00"), None, "x")]
    for work in (
        lambda db: series.repeat(db, one(db, "eva"), db.get_one(Post, post_id), Pattern(Every.WEEK, count=2)),
        lambda db: series.tour(db, one(db, "eva"), db.get_one(Post, post_id), stop),
    ):
        assert refused(lived_in, work) == "not_organiser"
