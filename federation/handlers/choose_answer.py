"""ChooseAnswer: an answer is accepted, by who asked or by a moderator of the thread's home."""

from sqlalchemy.orm import Session

from federation import crossing, reading
from federation.context import Federation
from federation.handlers import early, wraps
from federation.handlers.effects import Effect, Ignored
from federation.verified import Verified
from models import actors, communities, posts, threads
from models.actors import Actor
from models.posts import Post


async def choose_answer(fed: Federation, verified: Verified) -> Effect:
    """Accept an answer. Signed, it counts at the thread's home and at the asker's server; elsewhere only wrapped by the home.

    The chooser is the activity's actor, never the answer's author (which is what PieFed compares).
    """
    activity = verified.activity
    answer, question, chooser = await judge(fed, verified, activity.object_id)
    inner = reading.without_context(activity.raw) if verified.signed else None

    def effect(db: Session) -> str:
        if early.was_undone(db, activity):
            raise Ignored("It was taken back before it came.")
        asked, given = posts.get(db, question.id), posts.get(db, answer.id)
        if asked.accepted_id == given.id:
            raise Ignored("It is the accepted answer already.")
        threads.accept(db, actors.get(db, chooser.id), asked, given, uri=activity.id, inner=inner)
        return f"{given.uri} is the accepted answer to {asked.uri}."

    return effect


async def judge(fed: Federation, verified: Verified, answer_uri: str) -> tuple[Post, Post, Actor]:
    """(answer, question, chooser) if the activity may decide about them at all; `models` checks who the chooser is."""
    found = await crossing.reading(fed.database, lambda db: _thread(db, answer_uri))
    if found is None:
        raise Ignored("We do not have an answer of that id.")
    answer, question, asker, home = found
    await wraps.check_home(fed, verified, question)
    if verified.signed and not asker.local and (home is None or not home.local):
        raise Ignored("It counts here only through the thread's own community.")
    chooser = await wraps.acting(fed, verified)
    if chooser.id != asker.id:
        await wraps.learn_moderators(fed, home, chooser, verified)
    return answer, question, chooser


def _thread(db: Session, answer_uri: str) -> tuple[Post, Post, Actor, Actor | None] | None:
    answer = posts.by_uri(db, answer_uri)
    question = threads.question_of(db, answer) if answer is not None and answer.deleted_at is None else None
    if answer is None or question is None:
        return None
    return answer, question, actors.get(db, question.author_id), communities.home_of(db, question)
