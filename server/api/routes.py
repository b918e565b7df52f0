"""The client API on one page: which endpoint answers where.

Whoever adds a line here has added it to the description at `/api/torv/v1/openapi.json`, and to the tests that try every
endpoint with every scope and with bad input.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.api import (
    account_domains,
    accounts,
    announcements,
    apps,
    bookmarks,
    communities,
    describing,
    dogmas,
    experiences,
    filters,
    filters_v1,
    instance,
    lists,
    media,
    meeting_further,
    meetings,
    notifications,
    people,
    polls,
    profile,
    push,
    questions,
    reactions,
    reading,
    relations,
    reports,
    scheduled,
    search,
    signing_up,
    statuses,
    tags,
    timelines,
    trends,
)
from server.api.calls import Described, Endpoint
from server.routing import LateRoute


def get(path: str, described: Described) -> Endpoint:
    """What answers to GET."""
    return Endpoint("GET", path, described)


def post(path: str, described: Described) -> Endpoint:
    """What answers to POST."""
    return Endpoint("POST", path, described)


def put(path: str, described: Described) -> Endpoint:
    """What answers to PUT."""
    return Endpoint("PUT", path, described)


def patch(path: str, described: Described) -> Endpoint:
    """What answers to PATCH."""
    return Endpoint("PATCH", path, described)


def delete(path: str, described: Described) -> Endpoint:
    """What answers to DELETE."""
    return Endpoint("DELETE", path, described)


# Longer addresses go before those they could be taken for: `/accounts/search` before `/accounts/{id}`.

APPS: list[Endpoint] = [
    post("/api/v1/apps", apps.register),
    get("/api/v1/apps/verify_credentials", apps.verify_credentials),
]

STATUSES: list[Endpoint] = [
    get("/api/v1/statuses", statuses.several),
    post("/api/v1/statuses", statuses.create),
    get("/api/v1/statuses/{id}", statuses.show),
    put("/api/v1/statuses/{id}", statuses.edit),
    delete("/api/v1/statuses/{id}", statuses.delete),
    get("/api/v1/statuses/{id}/source", statuses.source),
    get("/api/v1/statuses/{id}/history", statuses.history),
    get("/api/v1/statuses/{id}/context", statuses.context),
    get("/api/v1/statuses/{id}/quotes", statuses.quoting),
    post("/api/v1/statuses/{id}/quotes/{quote}/revoke", statuses.revoke_quote),
    put("/api/v1/statuses/{id}/interaction_policy", statuses.interaction_policy),
    post("/api/v1/statuses/{id}/translate", statuses.translate),
    post("/api/v1/statuses/{id}/reblog", reactions.reblog),
    post("/api/v1/statuses/{id}/unreblog", reactions.unreblog),
    get("/api/v1/statuses/{id}/reblogged_by", reactions.reblogged_by),
    post("/api/v1/statuses/{id}/favourite", reactions.favourite),
    post("/api/v1/statuses/{id}/unfavourite", reactions.unfavourite),
    get("/api/v1/statuses/{id}/favourited_by", reactions.favourited_by),
    post("/api/v1/statuses/{id}/pin", reactions.pin),
    post("/api/v1/statuses/{id}/unpin", reactions.unpin),
    post("/api/v1/statuses/{id}/mute", reactions.mute),
    post("/api/v1/statuses/{id}/unmute", reactions.unmute),
]

TIMELINES: list[Endpoint] = [
    get("/api/v1/timelines/home", timelines.home),
    get("/api/v1/timelines/public", timelines.public),
    get("/api/v1/timelines/tag/{hashtag}", timelines.tag),
    get("/api/v1/timelines/list/{id}", timelines.of_list),
    get("/api/v1/timelines/link", timelines.link),
]

ACCOUNTS: list[Endpoint] = [
    get("/api/v1/accounts", accounts.several),
    post("/api/v1/accounts", signing_up.sign_up),
    post("/api/v1/emails/confirmations", signing_up.confirm_again),
    get("/api/v1/emails/check_confirmation", signing_up.is_confirmed),
    get("/api/v1/accounts/verify_credentials", profile.verify_credentials),
    patch("/api/v1/accounts/update_credentials", profile.update_credentials),
    delete("/api/v1/profile/avatar", profile.delete_avatar),
    delete("/api/v1/profile/header", profile.delete_header),
    get("/api/v1/preferences", profile.chosen),
    get("/api/v1/accounts/relationships", relations.between),
    get("/api/v1/accounts/familiar_followers", relations.familiar_followers),
    get("/api/v1/accounts/lookup", accounts.lookup),
    get("/api/v1/accounts/search", search.people),
    get("/api/v1/accounts/{id}", accounts.show),
    get("/api/v1/accounts/{id}/statuses", accounts.statuses),
    get("/api/v1/accounts/{id}/followers", accounts.followers),
    get("/api/v1/accounts/{id}/following", accounts.following),
    get("/api/v1/accounts/{id}/endorsements", accounts.endorsed),
    get("/api/v1/directory", people.listing),
    get("/api/v1/suggestions", people.suggested_accounts),
    get("/api/v2/suggestions", people.suggestions),
    delete("/api/v1/suggestions/{id}", people.dismiss),
]

RELATIONS: list[Endpoint] = [
    post("/api/v1/accounts/{id}/follow", relations.follow),
    post("/api/v1/accounts/{id}/unfollow", relations.unfollow),
    post("/api/v1/accounts/{id}/remove_from_followers", relations.remove_from_followers),
    post("/api/v1/accounts/{id}/block", relations.block),
    post("/api/v1/accounts/{id}/unblock", relations.unblock),
    post("/api/v1/accounts/{id}/mute", relations.mute),
    post("/api/v1/accounts/{id}/unmute", relations.unmute),
    post("/api/v1/accounts/{id}/note", relations.note),
    post("/api/v1/accounts/{id}/endorse", relations.endorse),
    post("/api/v1/accounts/{id}/unendorse", relations.unendorse),
    post("/api/v1/accounts/{id}/pin", relations.endorse),
    post("/api/v1/accounts/{id}/unpin", relations.unendorse),
    get("/api/v1/endorsements", relations.endorsed),
    get("/api/v1/blocks", relations.blocked),
    get("/api/v1/mutes", relations.muted),
    get("/api/v1/domain_blocks", account_domains.listing),
    post("/api/v1/domain_blocks", account_domains.block),
    delete("/api/v1/domain_blocks", account_domains.unblock),
    get("/api/v1/follow_requests", relations.requests),
    post("/api/v1/follow_requests/{id}/authorize", relations.authorize),
    post("/api/v1/follow_requests/{id}/reject", relations.reject),
    post("/api/v1/reports", reports.create),
]

SEARCH: list[Endpoint] = [
    get("/api/v2/search", search.everything),
    get("/api/v1/search", search.older),
]

COLLECTIONS: list[Endpoint] = [
    get("/api/v1/bookmarks", bookmarks.page),
    get("/api/v1/favourites", bookmarks.favourited),
    post("/api/v1/statuses/{id}/bookmark", bookmarks.bookmark),
    post("/api/v1/statuses/{id}/unbookmark", bookmarks.unbookmark),
    get("/api/v1/lists", lists.mine),
    post("/api/v1/lists", lists.create),
    get("/api/v1/lists/{id}", lists.show),
    put("/api/v1/lists/{id}", lists.change),
    delete("/api/v1/lists/{id}", lists.remove),
    get("/api/v1/lists/{id}/accounts", lists.members),
    post("/api/v1/lists/{id}/accounts", lists.add),
    delete("/api/v1/lists/{id}/accounts", lists.drop),
    get("/api/v1/accounts/{id}/lists", lists.containing),
    get("/api/v2/filters", filters.mine),
    post("/api/v2/filters", filters.create),
    get("/api/v2/filters/keywords/{id}", filters.keyword),
    put("/api/v2/filters/keywords/{id}", filters.change_keyword),
    delete("/api/v2/filters/keywords/{id}", filters.remove_keyword),
    get("/api/v2/filters/statuses/{id}", filters.status),
    delete("/api/v2/filters/statuses/{id}", filters.remove_status),
    get("/api/v2/filters/{id}", filters.show),
    put("/api/v2/filters/{id}", filters.change),
    delete("/api/v2/filters/{id}", filters.remove),
    get("/api/v2/filters/{filter_id}/keywords", filters.keywords),
    post("/api/v2/filters/{filter_id}/keywords", filters.add_keyword),
    get("/api/v2/filters/{filter_id}/statuses", filters.named),
    post("/api/v2/filters/{filter_id}/statuses", filters.add_status),
    get("/api/v1/filters", filters_v1.mine),
    post("/api/v1/filters", filters_v1.create),
    get("/api/v1/filters/{id}", filters_v1.show),
    put("/api/v1/filters/{id}", filters_v1.change),
    delete("/api/v1/filters/{id}", filters_v1.remove),
    get("/api/v1/markers", reading.markers_of),
    post("/api/v1/markers", reading.set_markers),
    get("/api/v1/conversations", reading.conversations_of),
    post("/api/v1/conversations/{id}/read", reading.read),
    post("/api/v1/conversations/{id}/unread", reading.unread),
    delete("/api/v1/conversations/{id}", reading.remove),
    get("/api/v1/tags/{name}", tags.show),
    post("/api/v1/tags/{name}/follow", tags.follow),
    post("/api/v1/tags/{name}/unfollow", tags.unfollow),
    post("/api/v1/tags/{name}/feature", tags.feature),
    post("/api/v1/tags/{name}/unfeature", tags.unfeature),
    get("/api/v1/followed_tags", tags.followed),
    get("/api/v1/featured_tags/suggestions", tags.suggested),
    get("/api/v1/featured_tags", tags.featured),
    post("/api/v1/featured_tags", tags.add_featured),
    delete("/api/v1/featured_tags/{id}", tags.remove_featured),
    get("/api/v1/accounts/{id}/featured_tags", tags.featured_by),
    get("/api/v1/announcements", announcements.current),
    post("/api/v1/announcements/{id}/dismiss", announcements.dismiss),
    put("/api/v1/announcements/{id}/reactions/{name}", announcements.react),
    delete("/api/v1/announcements/{id}/reactions/{name}", announcements.unreact),
    get("/api/v1/trends/statuses", trends.statuses),
    get("/api/v1/trends/links", trends.links),
    get("/api/v1/trends/tags", trends.tags),
    get("/api/v1/trends", trends.tags),
]

INSTANCE: list[Endpoint] = [
    get("/api/v2/instance", instance.show),
    get("/api/v1/instance", instance.show_first),
    get("/api/v1/instance/rules", instance.rules),
    get("/api/v1/instance/peers", instance.peers),
    get("/api/v1/instance/activity", instance.activity),
    get("/api/v1/instance/extended_description", instance.extended_description),
    get("/api/v1/instance/privacy_policy", instance.privacy_policy),
    get("/api/v1/instance/terms_of_service", instance.terms_of_service),
    get("/api/v1/instance/domain_blocks", instance.domain_blocks),
    get("/api/v1/instance/languages", instance.languages),
    get("/api/v1/instance/translation_languages", instance.translation_languages),
    get("/api/v1/custom_emojis", instance.custom_emojis),
]

MEDIA: list[Endpoint] = [
    post("/api/v2/media", media.upload),
    post("/api/v1/media", media.upload_first),
    get("/api/v1/media/{id}", media.show),
    put("/api/v1/media/{id}", media.change),
    delete("/api/v1/media/{id}", media.delete),
]

POLLS: list[Endpoint] = [
    get("/api/v1/polls/{id}", polls.show),
    post("/api/v1/polls/{id}/votes", polls.vote),
    get("/api/v1/scheduled_statuses", scheduled.index),
    get("/api/v1/scheduled_statuses/{id}", scheduled.show),
    put("/api/v1/scheduled_statuses/{id}", scheduled.move),
    delete("/api/v1/scheduled_statuses/{id}", scheduled.cancel),
]

NOTIFICATIONS: list[Endpoint] = [
    get("/api/v1/notifications", notifications.index),
    post("/api/v1/notifications/clear", notifications.clear),
    post("/api/v1/notifications/dismiss", notifications.dismiss_named),
    get("/api/v1/notifications/unread_count", notifications.unread_count),
    get("/api/v1/notifications/policy", notifications.policy_v1),
    put("/api/v1/notifications/policy", notifications.change_policy_v1),
    patch("/api/v1/notifications/policy", notifications.change_policy_v1),
    get("/api/v1/notifications/requests", notifications.requests),
    post("/api/v1/notifications/requests/accept", notifications.accept_several),
    post("/api/v1/notifications/requests/dismiss", notifications.refuse_several),
    get("/api/v1/notifications/requests/merged", notifications.merged),
    get("/api/v1/notifications/requests/{id}", notifications.request),
    post("/api/v1/notifications/requests/{id}/accept", notifications.accept),
    post("/api/v1/notifications/requests/{id}/dismiss", notifications.refuse),
    get("/api/v1/notifications/{id}", notifications.show),
    post("/api/v1/notifications/{id}/dismiss", notifications.dismiss),
    get("/api/v2/notifications", notifications.index_grouped),
    get("/api/v2/notifications/unread_count", notifications.unread_groups),
    get("/api/v2/notifications/policy", notifications.policy),
    put("/api/v2/notifications/policy", notifications.change_policy),
    patch("/api/v2/notifications/policy", notifications.change_policy),
    get("/api/v2/notifications/{group_key}", notifications.show_group),
    post("/api/v2/notifications/{group_key}/dismiss", notifications.dismiss_group),
    get("/api/v2/notifications/{group_key}/accounts", notifications.group_accounts),
]

PUSH: list[Endpoint] = [
    post("/api/v1/push/subscription", push.subscribe),
    get("/api/v1/push/subscription", push.show),
    put("/api/v1/push/subscription", push.change),
    delete("/api/v1/push/subscription", push.unsubscribe),
]

TORV: list[Endpoint] = [
    get("/api/torv/v1/openapi.json", describing.description),
    get("/api/torv/v1/questions", questions.index),
    post("/api/torv/v1/questions", questions.ask),
    get("/api/torv/v1/questions/{id}", questions.thread),
    post("/api/torv/v1/questions/{id}/answers", questions.answer),
    put("/api/torv/v1/questions/{id}/accepted", questions.accept),
    delete("/api/torv/v1/questions/{id}/accepted", questions.withdraw),
    put("/api/torv/v1/questions/{id}/call", questions.call_for_meeting),
    delete("/api/torv/v1/questions/{id}/call", questions.call_off),
    put("/api/torv/v1/questions/{id}/coming", questions.would_come),
    delete("/api/torv/v1/questions/{id}/coming", questions.would_not_come),
    get("/api/torv/v1/experiences", experiences.index),
    post("/api/torv/v1/experiences", experiences.publish),
    get("/api/torv/v1/experiences/counts", experiences.counts),
    get("/api/torv/v1/experiences/{id}", experiences.show),
    put("/api/torv/v1/experiences/{id}", experiences.edit),
    post("/api/torv/v1/experiences/{id}/follow_ups", experiences.follow_up),
    get("/api/torv/v1/meetings", meetings.index),
    post("/api/torv/v1/meetings", meetings.plan),
    get("/api/torv/v1/meetings/{id}", meetings.show),
    put("/api/torv/v1/meetings/{id}", meetings.edit),
    post("/api/torv/v1/meetings/{id}/cancel", meetings.cancel),
    put("/api/torv/v1/meetings/{id}/attendance", meetings.sign_up),
    delete("/api/torv/v1/meetings/{id}/attendance", meetings.withdraw),
    get("/api/torv/v1/meetings/{id}/attendees", meetings.attendees),
    put("/api/torv/v1/meetings/{id}/attendees/{account_id}", meetings.decide),
    get("/api/torv/v1/dogmas", dogmas.index),
    post("/api/torv/v1/dogmas", dogmas.propose),
    get("/api/torv/v1/dogmas/{id}", dogmas.show),
    put("/api/torv/v1/dogmas/{id}", dogmas.change),
    get("/api/torv/v1/dogmas/{id}/endorsers", dogmas.endorsers),
    post("/api/torv/v1/dogmas/{id}/decide", dogmas.decide),
    post("/api/torv/v1/dogmas/{id}/endorse", dogmas.endorse),
    post("/api/torv/v1/dogmas/{id}/withdraw", dogmas.withdraw),
    put("/api/torv/v1/meetings/{id}/attendees/{account_id}/checked_in", meeting_further.tick),
    post("/api/torv/v1/meetings/{id}/check_in", meeting_further.check_in),
    get("/api/torv/v1/meetings/{id}/minutes", meeting_further.read_minutes),
    put("/api/torv/v1/meetings/{id}/minutes", meeting_further.write_minutes),
    get("/api/torv/v1/meetings/{id}/series", meeting_further.others),
    post("/api/torv/v1/meetings/{id}/series", meeting_further.repeat),
    post("/api/torv/v1/posts/{id}/comments", questions.comment),
    put("/api/torv/v1/posts/{id}/vote", questions.vote),
    get("/api/torv/v1/communities", communities.index),
    get("/api/torv/v1/communities/{id}", communities.show),
]

API: list[Endpoint] = [
    *APPS,
    *STATUSES,
    *TIMELINES,
    *ACCOUNTS,
    *RELATIONS,
    *SEARCH,
    *COLLECTIONS,
    *INSTANCE,
    *MEDIA,
    *POLLS,
    *NOTIFICATIONS,
    *PUSH,
    *TORV,
]


def routes() -> list[Route]:
    """The table as Starlette takes it."""
    return [_route(one) for one in API]


def _route(one: Endpoint) -> Route:
    async def answer(request: Request) -> Response:
        return await one(request)

    route = LateRoute(one.path, answer, methods=[one.method], name=f"{one.method} {one.path}")
    if one.method == "GET":
        route.methods = {"GET", "HEAD"}
    return route
