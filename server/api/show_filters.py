"""Filters as clients read them, and which of them statuses fit."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from models import filtering, filters
from models.posts import Post
from server.api.entities.filters import Filter, FilterKeyword, FilterStatus, V1Filter
from server.api.entities.statuses import FilterResult, MatchedFilter
from server.api.times import stamp


def several(db: Session, rows: Sequence[filters.Filter]) -> list[Filter]:
    """Filters with what belongs to them, in two queries."""
    ids = [row.id for row in rows]
    words, named = (filters.keywords_of(db, ids), filters.statuses_of(db, ids)) if ids else ({}, {})
    return [
        Filter(
            id=str(row.id),
            title=row.title,
            context=row.context,
            expires_at=stamp(row.expires_at) if row.expires_at else None,
            filter_action=row.action,  # type: ignore[arg-type]
            keywords=[keyword(one) for one in words.get(row.id, [])],
            statuses=[status(one) for one in named.get(row.id, [])],
        )
        for row in rows
    ]


def keyword(row: filters.FilterKeyword) -> FilterKeyword:
    """One word or phrase."""
    return FilterKeyword(id=str(row.id), keyword=row.keyword, whole_word=row.whole_word)


def status(row: filters.FilterStatus) -> FilterStatus:
    """One named status."""
    return FilterStatus(id=str(row.id), status_id=str(row.post_id))


def first_version(row: filters.Filter, word: filters.FilterKeyword) -> V1Filter:
    """A keyword in the words of the first version."""
    return V1Filter(
        id=str(word.id),
        phrase=word.keyword,
        context=row.context,
        whole_word=word.whole_word,
        expires_at=stamp(row.expires_at) if row.expires_at else None,
        irreversible=row.action == filters.FilterAction.HIDE,
    )


def matched(db: Session, account_id: int, posts: Sequence[Post]) -> dict[int, list[FilterResult]]:
    """What each of these posts fits, of all contexts: a client knows where it shows a post, we do not."""
    found = filtering.matching(db, account_id, None, posts)
    return {post_id: [_result(match) for match in matches] for post_id, matches in found.items()}


def _result(match: filtering.Match) -> FilterResult:
    row = match.filter
    shown = MatchedFilter(
        id=str(row.id),
        title=row.title,
        context=row.context,
        expires_at=stamp(row.expires_at) if row.expires_at else None,
        filter_action=row.action,  # type: ignore[arg-type]
    )
    return FilterResult(
        filter=shown,
        keyword_matches=list(match.keywords) or None,
        status_matches=[str(post_id) for post_id in match.statuses] or None,
    )
