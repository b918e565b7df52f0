"""ActivityPub as a language: what comes in becomes calls of `models`, what happened there goes out.

`JOBS` names the work that models promise and the worker does: from the kind of a job to its function.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from federation.affiliating import check_affiliations
from federation.backfill import complete_thread
from federation.confirming import confirm_actor
from federation.context import Federation
from federation.discovery import note_software
from federation.erasing import erase
from federation.forwarding import forward
from federation.importing import take_in
from federation.indexing import index_posts
from federation.polling import end_poll, tell_poll
from federation.publishing import publish
from federation.refreshing import refresh_actor, refresh_post
from federation.scheduling import (
    publish_scheduled,
    remind_follow_up,
    remind_meeting,
    tell_attendees,
    tell_call,
    tell_of_vote,
)
from federation.shared_lists import read_domain_list
from federation.synchronizing import synchronize_followers
from federation.verifying import verify_links

JOBS: Mapping[str, Callable[[Federation, dict[str, Any]], Awaitable[None]]] = {
    "publish": publish,
    "index_posts": index_posts,
    "nodeinfo": note_software,
    "check_affiliations": check_affiliations,
    "confirm_actor": confirm_actor,
    "backfill": complete_thread,
    "refresh_post": refresh_post,
    "refresh_actor": refresh_actor,
    "forward": forward,
    "erase": erase,
    "import": take_in,
    "end_poll": end_poll,
    "tell_poll": tell_poll,
    "tell_call": tell_call,
    "publish_scheduled": publish_scheduled,
    "remind_follow_up": remind_follow_up,
    "remind_meeting": remind_meeting,
    "tell_attendees": tell_attendees,
    "tell_of_vote": tell_of_vote,
    "read_domain_list": read_domain_list,
    "synchronize_followers": synchronize_followers,
    "verify_links": verify_links,
}
