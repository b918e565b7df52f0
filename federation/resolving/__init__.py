"""Resolving: from an id or a handle to an actor or a post of this database, fetched from its origin where need be."""

from federation.budget import Budget, OverBudget
from federation.documents import (
    Document,
    FetchFailed,
    Gone,
    Passing,
    Unusable,
    check_foreign,
    fetch,
    fetch_collection,
)
from federation.resolving.actors import actor, by_handle, fetch_actor, look_up, refresh_moderators
from federation.resolving.posts import FetchedPost, check_author, fetch_post, first_in_thread, remote_of, to_remote

__all__ = [
    "Budget",
    "Document",
    "FetchFailed",
    "FetchedPost",
    "Gone",
    "OverBudget",
    "Passing",
    "Unusable",
    "actor",
    "by_handle",
    "check_author",
    "check_foreign",
    "fetch",
    "fetch_actor",
    "fetch_collection",
    "fetch_post",
    "first_in_thread",
    "look_up",
    "refresh_moderators",
    "remote_of",
    "to_remote",
]
