"""The whole node as one ASGI application: every door, on one page.

An address that serves a page to people and an object to servers stands once, with both endpoints (`either`).
"""

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from federation.context import Federation
from server import health, static_files
from server.activitypub import actors, collections, inbox, objects, threads, wellknown
from server.api import routes as api
from server.api.frame import ApiFrame
from server.cross_origin import CrossOrigin
from server.errors import Answered, on_http_exception
from server.floods import Floods, Places
from server.kept import Kept
from server.limits import Limits
from server.logs import RequestLog
from server.media import limits as media_limits
from server.media import serving
from server.media.remote import RemoteFiles
from server.media.store import Store
from server.negotiation import Endpoint, either
from server.oauth import authorizing, describing, tokens
from server.request_id import RequestId
from server.routing import LateRoute, Routes
from server.security import AnswerFields, Bounded, Headed, KnownHost, Legible
from server.settings import Settings
from server.site import Site
from server.streaming.endpoints import STREAMING
from server.streaming.hub import Hub
from server.web import (
    admin,
    appeals,
    apps,
    auditing,
    ballots,
    belonging,
    by_mail,
    calls,
    choosing_notices,
    communities,
    dogma_deeds,
    dogma_form,
    dogma_lists,
    drafting,
    duplicating,
    excluding,
    feeds,
    following,
    founding,
    front,
    history,
    house,
    identity,
    intents,
    inviting,
    kle_list,
    machinery,
    managing,
    meeting_deeds,
    meeting_door,
    meeting_feeds,
    meeting_form,
    meeting_lists,
    meeting_minutes,
    meeting_series,
    moving_house,
    my_address,
    my_calendar,
    notices,
    organizations,
    outside_calendars,
    people,
    posts,
    question_lists,
    questions,
    quotes,
    reacting,
    registering,
    report_deeds,
    report_editing,
    report_form,
    report_lists,
    reports,
    roster,
    sanctions,
    searching,
    server_lists,
    signing_in,
    similar,
    starting,
    tags,
    the_gap,
    ties,
    twinning,
    waiting,
    writing,
)
from server.web import settings as my_settings

GET, POST = ["GET"], ["POST"]


def _route(path: str, endpoint: Callable[..., Any], methods: list[str] = GET) -> Route:
    return LateRoute(path, endpoint, methods=methods)


def _actor_routes(path: str, page: Endpoint) -> list[Route]:
    """The doors of an actor at `path`: page or object, inbox, and collections."""
    return [
        _route(path, either(actors.actor, page)),
        _route(f"{path}/inbox", inbox.actor_inbox, POST),
        _route(f"{path}/outbox", collections.outbox),
        _route(f"{path}/followers", collections.followers),
        _route(f"{path}/following", collections.following),
        _route(f"{path}/featured", collections.featured),
        _route(f"{path}/followers_synchronization", collections.followers_synchronization),
    ]


FEDERATION = [
    _route("/.well-known/webfinger", wellknown.webfinger),
    _route("/.well-known/host-meta", wellknown.host_meta),
    _route("/.well-known/nodeinfo", wellknown.nodeinfo_links),
    _route("/nodeinfo/{version:str}", wellknown.nodeinfo),
    _route("/actor", either(actors.node_actor, front.about)),
    _route("/actor/inbox", inbox.shared_inbox, POST),
    _route("/actor/outbox", collections.outbox),
    _route("/inbox", inbox.shared_inbox, POST),
    _route("/activities/{id:int}", objects.activity),
    *_actor_routes("/u/{name}", people.person),
    *_actor_routes("/org/{name}", people.person),
    _route("/org/{name}/members", either(collections.members, organizations.members)),
    *_actor_routes("/c/{name}", communities.community),
    _route("/c/{name}/moderators", collections.moderators),
    _route("/c/{name}/tag/{tag}", wellknown.old_tag),
    _route("/p/{id:int}", either(objects.post, posts.post)),
    _route("/p/{id:int}/context", threads.context),
    _route("/p/{id:int}/replies", threads.replies),
    _route("/p/{id:int}/likes", threads.likes),
    _route("/p/{id:int}/shares", threads.shares),
    _route("/p/{id:int}/coming", threads.coming),
    _route("/p/{id:int}/linked", threads.linked),
    _route("/p/{id:int}/attendees", threads.attendees),
    _route("/p/{id:int}/endorsements", threads.endorsements),
    _route("/p/{id:int}/quotes/{stamp:int}", objects.quote_stamp),
    _route("/p/{id:int}/{slug}", either(objects.post, posts.post)),
    _route("/tags/{tag}", wellknown.old_tag),
    _route("/tags/{tag}/", wellknown.old_tag),
]

PAGES = [
    _route("/", front.home),
    _route("/about", front.about),
    _route("/accessibility", front.accessibility),
    _route("/contact", front.contact),
    _route("/moderation", sanctions.log),
    _route("/privacy-policy", house.privacy_policy),
    _route("/terms-of-service", house.terms_of_service),
    _route("/announcements/{id:int}/dismiss", house.dismiss_announcement, POST),
    _route("/t/{tag}", tags.tag),
    _route("/t/{tag}/follow", tags.follow, POST),
    _route("/search", searching.search),
    _route("/questions", question_lists.questions),
    _route("/ask", questions.ask_form),
    _route("/ask/similar", similar.fragment),
    _route("/ask", questions.ask, POST),
    _route("/dogma", dogma_lists.index),
    _route("/dogma/new", dogma_form.new),
    _route("/dogma/new", dogma_form.propose, POST),
    _route("/experience", report_lists.index),
    _route("/experience/new", report_form.form_page),
    _route("/experience/new", report_form.step, POST),
    _route("/experience/examples", report_lists.examples),
    _route("/experience/gap", the_gap.the_gap),
    _route("/experience/gap.csv", the_gap.as_csv),
    _route("/experience/gap.json", the_gap.as_json),
    _route("/meetings", meeting_lists.index),
    _route("/meetings/calendar", meeting_lists.month),
    _route("/meetings/map", meeting_lists.on_map),
    _route("/meetings/mine", my_calendar.index),
    _route("/meetings/mine/renew", my_calendar.renew, POST),
    _route("/meeting/new", meeting_form.form_page),
    _route("/meeting/new", meeting_form.plan, POST),
    _route("/start", starting.start_form),
    _route("/start", starting.start, POST),
    _route("/drafts", drafting.index),
    _route("/drafts/{id:int}/drop", drafting.drop, POST),
    _route("/followed", following.index),
    _route("/post", writing.note_form),
    _route("/post", writing.note, POST),
    _route("/communities", communities.communities),
    _route("/@{handle}", people.handle),
    _route("/follow", people.lookup_form),
    _route("/follow", people.lookup, POST),
    _route("/requests", people.requests),
    _route("/requests/{id:int}", people.answer_request, POST),
    _route("/notifications", notices.notices),
    _route("/notifications/count", notices.count),
    _route("/notifications/read", notices.mark_read, POST),
    _route("/notifications/aside", notices.kept_aside),
    _route("/notifications/aside", notices.answer_aside, POST),
    _route("/unsubscribe/{token}", choosing_notices.unsubscribe_form),
    _route("/unsubscribe/{token}", choosing_notices.unsubscribe, POST),
]

FEEDS = [
    _route("/feeds/questions", feeds.questions),
    _route("/feeds/unanswered", feeds.unanswered),
    _route("/feeds/experience", feeds.experience),
    _route("/feeds/public", feeds.public),
    _route("/feeds/community/{name}", feeds.community),
    _route("/feeds/tag/{tag}", feeds.tag),
    _route("/feeds/person/{name}", feeds.person),
    _route("/feeds/thread/{id:int}", feeds.thread),
]

CALENDARS = [
    _route("/meetings.ics", meeting_feeds.everything),
    _route("/meetings/in/{code}.ics", meeting_feeds.municipality),
    _route("/meetings/mine/{token}.ics", meeting_feeds.mine),
    _route("/c/{name}/meetings.ics", meeting_feeds.community),
    _route("/posts/{id:int}/meeting.ics", meeting_feeds.one),
]

DEEDS = [
    _route("/posts/find", ties.find_some),
    _route("/posts/{id:int}/reply", posts.reply_form),
    _route("/posts/{id:int}/reply", posts.reply, POST),
    _route("/posts/{id:int}/vote", reacting.vote, POST),
    _route("/posts/{id:int}/ballot", ballots.ballot, POST),
    _route("/posts/{id:int}/boost", reacting.boost, POST),
    _route("/posts/{id:int}/accept", reacting.accept, POST),
    _route("/posts/{id:int}/withdraw", reacting.withdraw, POST),
    _route("/posts/{id:int}/keep", reacting.keep, POST),
    _route("/posts/{id:int}/turn", reacting.turn, POST),
    _route("/posts/{id:int}/make-question", reacting.make_question, POST),
    _route("/posts/{id:int}/make-note", reacting.make_note, POST),
    _route("/posts/{id:int}/pin", reacting.pin, POST),
    _route("/posts/{id:int}/follow", following.follow, POST),
    _route("/posts/{id:int}/call", calls.call, POST),
    _route("/posts/{id:int}/come", calls.come, POST),
    _route("/posts/{id:int}/duplicate", duplicating.form),
    _route("/posts/{id:int}/duplicate", duplicating.mark, POST),
    _route("/posts/{id:int}/merge", duplicating.merge, POST),
    _route("/posts/{id:int}/edit", writing.edit_form),
    _route("/posts/{id:int}/edit", writing.edit, POST),
    _route("/posts/{id:int}/experience", report_editing.edit_page),
    _route("/posts/{id:int}/experience", report_editing.edit, POST),
    _route("/posts/{id:int}/replicate", report_form.replicate, POST),
    _route("/posts/{id:int}/since", report_deeds.since_form),
    _route("/posts/{id:int}/since", report_deeds.since, POST),
    _route("/posts/{id:int}/co-author", report_deeds.co_author, POST),
    _route("/posts/{id:int}/not-me", report_deeds.not_me, POST),
    _route("/posts/{id:int}/example", report_deeds.example, POST),
    _route("/posts/{id:int}/meeting", meeting_form.edit_page),
    _route("/posts/{id:int}/meeting", meeting_form.edit, POST),
    _route("/posts/{id:int}/sign-up", meeting_deeds.sign_up, POST),
    _route("/posts/{id:int}/stay-away", meeting_deeds.stay_away, POST),
    _route("/posts/{id:int}/attendees", meeting_deeds.decide, POST),
    _route("/posts/{id:int}/cancel", meeting_deeds.cancel_form),
    _route("/posts/{id:int}/cancel", meeting_deeds.cancel, POST),
    _route("/posts/{id:int}/series", meeting_series.form_page),
    _route("/posts/{id:int}/series", meeting_series.make, POST),
    _route("/posts/{id:int}/door", meeting_door.door),
    _route("/posts/{id:int}/door", meeting_door.tick, POST),
    _route("/posts/{id:int}/check-in/{code}", meeting_door.check_in_form),
    _route("/posts/{id:int}/check-in/{code}", meeting_door.check_in, POST),
    _route("/posts/{id:int}/minutes", meeting_minutes.form_page),
    _route("/posts/{id:int}/minutes", meeting_minutes.write, POST),
    _route("/posts/{id:int}/minutes/{line:int}", meeting_minutes.begin, POST),
    _route("/posts/{id:int}/attendees", meeting_deeds.attendees),
    _route("/posts/{id:int}/attendees.csv", meeting_deeds.attendees_csv),
    _route("/posts/{id:int}/endorse", dogma_deeds.endorse, POST),
    _route("/posts/{id:int}/decide", dogma_deeds.decide_form),
    _route("/posts/{id:int}/decide", dogma_deeds.decide, POST),
    _route("/posts/{id:int}/version", dogma_form.version_form),
    _route("/posts/{id:int}/version", dogma_form.version, POST),
    _route("/posts/{id:int}/versions", dogma_deeds.versions),
    _route("/posts/{id:int}/history", history.history),
    _route("/posts/{id:int}/similar", similar.beside),
    _route("/posts/{id:int}/quotes", quotes.index),
    _route("/posts/{id:int}/quotes", quotes.revoke, POST),
    _route("/posts/{id:int}/delete", writing.delete_form),
    _route("/posts/{id:int}/delete", writing.delete, POST),
    _route("/posts/{id:int}/report", writing.report_form),
    _route("/posts/{id:int}/report", writing.report, POST),
    _route("/posts/{id:int}/from-home", intents.from_home_form),
    _route("/posts/{id:int}/from-home", intents.from_home, POST),
    _route("/actors/{id:int}/follow", people.follow, POST),
    _route("/actors/{id:int}/block", people.block, POST),
    _route("/actors/{id:int}/mute", people.mute, POST),
    _route("/actors/{id:int}/report", people.report_form),
    _route("/actors/{id:int}/report", people.report, POST),
    _route("/actors/{id:int}/followers", people.followers),
    _route("/actors/{id:int}/following", people.following),
    _route("/intents/follow", intents.follow_form),
    _route("/intents/follow", intents.follow, POST),
    _route("/intents/object", intents.object_form),
    _route("/intents/object", intents.open_object, POST),
    _route("/authorize_interaction", intents.interact_form),
]

COMMUNITY_MANAGEMENT = [
    _route("/communities/new", founding.new),
    _route("/communities/new", founding.create, POST),
    _route("/admin/communities", founding.let_found, POST),
    _route("/c/{name}/members", communities.members),
    _route("/c/{name}/settings", founding.change_form),
    _route("/c/{name}/settings", founding.change, POST),
    _route("/c/{name}/close", founding.close_form),
    _route("/c/{name}/close", founding.close, POST),
    _route("/c/{name}/held", managing.decide, POST),
    _route("/c/{name}/manage", managing.manage),
    _route("/c/{name}/bans", excluding.index),
    _route("/c/{name}/bans", excluding.shut_out, POST),
    _route("/c/{name}/bans/new", excluding.form_page),
    _route("/c/{name}/bans/find", excluding.find, POST),
    _route("/c/{name}/bans/lift", excluding.let_in, POST),
    _route("/c/{name}/moderators", managing.add_moderator, POST),
    _route("/c/{name}/moderators/remove", managing.remove_moderator, POST),
    _route("/c/{name}/twins", twinning.ask, POST),
    _route("/c/{name}/twins/answer", twinning.answer, POST),
    _route("/c/{name}/twins/end", twinning.end, POST),
    _route("/c/{name}/calendars", outside_calendars.index),
    _route("/c/{name}/calendars", outside_calendars.add, POST),
    _route("/c/{name}/calendars/read", outside_calendars.read_now, POST),
    _route("/c/{name}/calendars/remove", outside_calendars.remove, POST),
    _route("/c/{name}/hide", managing.hide, POST),
    _route("/c/{name}/remove", managing.remove, POST),
]

ORGANIZATION_MANAGEMENT = [
    _route("/organizations", organizations.index),
    _route("/org/{name}/manage", organizations.manage),
    _route("/org/{name}/manage", organizations.change, POST),
    _route("/org/{name}/editors", organizations.add_editor, POST),
    _route("/org/{name}/editors/remove", organizations.remove_editor, POST),
    _route("/org/{name}/invitations", organizations.invite, POST),
    _route("/affiliations/{id:int}", organizations.answer, POST),
    _route("/admin/organizations", organizations.administer),
    _route("/admin/organizations", organizations.create, POST),
]

ACCOUNT = [
    _route("/sign-in", signing_in.sign_in_form),
    _route("/sign-in", signing_in.sign_in, POST),
    _route("/sign-out", signing_in.sign_out, POST),
    _route("/login", signing_in.old_sign_in),
    _route("/sign-up", signing_in.sign_up_form),
    _route("/sign-up", signing_in.sign_up, POST),
    _route("/waiting", waiting.waiting_form),
    _route("/waiting/mail", waiting.send_again, POST),
    _route("/waiting/leave", waiting.leave, POST),
    _route("/invitations", inviting.invitations_form),
    _route("/invitations", inviting.invite, POST),
    _route("/invitations/withdraw", inviting.withdraw, POST),
    _route("/invitations/{token}", signing_in.invitation_form),
    _route("/invitations/{token}", signing_in.use_invitation, POST),
    _route("/confirm/{token}", by_mail.confirm_form),
    _route("/confirm/{token}", by_mail.confirm, POST),
    _route("/password", by_mail.forgotten_form),
    _route("/password", by_mail.forgotten, POST),
    _route("/password/{token}", by_mail.password_form),
    _route("/password/{token}", by_mail.password, POST),
    _route("/language", my_settings.choose_language, POST),
    _route("/settings", my_settings.profile_form),
    _route("/settings", my_settings.change_profile, POST),
    _route("/settings/account", my_settings.account_form),
    _route("/settings/password", my_settings.change_password, POST),
    _route("/settings/notices", choosing_notices.choices_form),
    _route("/settings/notices", choosing_notices.choose, POST),
    _route("/settings/email", my_address.change, POST),
    _route("/settings/email/again", my_address.confirm_again, POST),
    _route("/settings/devices/end", my_settings.end_device, POST),
    _route("/settings/apps", apps.apps),
    _route("/settings/apps/{id:int}/revoke", apps.revoke, POST),
    _route("/settings/blocks", my_settings.kept_away),
    _route("/settings/data", moving_house.data),
    _route("/settings/data/copy", moving_house.make_copy, POST),
    _route("/settings/data/copy/{id:int}", moving_house.take_copy),
    _route("/settings/data/lists", moving_house.bring, POST),
    _route("/settings/move", moving_house.move_form),
    _route("/settings/move", moving_house.move_away, POST),
    _route("/settings/move/back", moving_house.move_back, POST),
    _route("/settings/move/aliases", moving_house.add_alias, POST),
    _route("/settings/move/aliases/remove", moving_house.remove_alias, POST),
    _route("/settings/delete", moving_house.delete_form),
    _route("/settings/delete", moving_house.delete, POST),
    _route("/settings/affiliations", belonging.affiliations_form),
    _route("/settings/affiliations", belonging.ask, POST),
    _route("/settings/affiliations/{id:int}/accept", belonging.accept, POST),
    _route("/settings/affiliations/{id:int}/leave", belonging.leave, POST),
]

CONSENT = [
    _route(f"/oauth/authorize{slash}", endpoint, methods)
    for slash in ("", "/")  # toot comes with the second
    for endpoint, methods in ((authorizing.authorize_form, GET), (authorizing.authorize, POST))
]

OAUTH = [
    *CONSENT,
    _route("/oauth/token", tokens.token, POST),
    _route("/oauth/revoke", tokens.revoke, POST),
    _route("/oauth/userinfo", describing.userinfo, ["GET", "POST"]),
    _route("/.well-known/oauth-authorization-server", describing.metadata),
]

ADMINISTRATION = [
    _route("/admin/reports", reports.index),
    _route("/admin/reports/{id:int}", reports.report),
    _route("/admin/reports/{id:int}/notes", reports.add_note, POST),
    _route("/admin/reports/{id:int}/close", reports.close, POST),
    _route("/admin/reports/{id:int}/reopen", reports.reopen, POST),
    _route("/admin/reports/{id:int}/assign", reports.assign, POST),
    _route("/admin/reports/{id:int}/forward", reports.forward, POST),
    _route("/admin/actors/{id:int}/act", sanctions.act_form),
    _route("/admin/actors/{id:int}/act", sanctions.act, POST),
    _route("/admin/appeals", appeals.index),
    _route("/sanctions/{id:int}", sanctions.sanction),
    _route("/sanctions/{id:int}/end", sanctions.end, POST),
    _route("/sanctions/{id:int}/appeal", appeals.appeal, POST),
    _route("/sanctions/{id:int}/decide", appeals.decide, POST),
    _route("/appeal", appeals.appeal_shut_out, POST),
    _route("/admin/people", roster.people),
    _route("/admin/people/{id:int}", roster.person),
    _route("/admin/people/{id:int}/role", roster.change_role, POST),
    _route("/admin/people/{id:int}/sign-out", roster.sign_out, POST),
    _route("/admin/audit", auditing.log),
    _route("/admin/health", machinery.overview),
    _route("/admin/letters/retry", machinery.retry, POST),
    _route("/admin/letters/drop", machinery.drop_form),
    _route("/admin/letters/drop", machinery.drop, POST),
    _route("/admin/peers/unpark", machinery.unpark, POST),
    _route("/admin/tags", tags.synonyms),
    _route("/admin/tags", tags.add_synonym, POST),
    _route("/admin/tags/drop", tags.drop_synonym, POST),
    _route("/admin/kle", kle_list.index),
    _route("/admin/kle", kle_list.bring, POST),
    _route("/admin/domains", admin.rules),
    _route("/admin/domains", admin.set_rule, POST),
    _route("/admin/domains/drop", admin.drop_rule, POST),
    _route("/admin/domains/export", server_lists.export),
    _route("/admin/domains/import", server_lists.preview),
    _route("/admin/domains/import", server_lists.bring, POST),
    _route("/admin/domains/import/confirm", server_lists.take_in, POST),
    _route("/admin/lists", server_lists.lists),
    _route("/admin/lists", server_lists.subscribe, POST),
    _route("/admin/lists/{id:int}", server_lists.one),
    _route("/admin/lists/{id:int}/confirm", server_lists.confirm, POST),
    _route("/admin/lists/{id:int}/read", server_lists.read_now, POST),
    _route("/admin/lists/{id:int}/remove", server_lists.unsubscribe, POST),
    _route("/admin/allow-list", admin.use_allow_list, POST),
    _route("/admin/registrations", registering.policy_form),
    _route("/admin/registrations", registering.choose_policy, POST),
    _route("/admin/sign-ups", registering.queue),
    _route("/admin/sign-ups/{id:int}", registering.answer, POST),
    _route("/admin/identity", identity.identity_form),
    _route("/admin/identity", identity.choose, POST),
    _route("/admin/house", house.rules_form),
    _route("/admin/house", house.set_rules, POST),
    _route("/admin/announcements", house.announcements_form),
    _route("/admin/announcements", house.announce, POST),
    _route("/admin/announcements/{id:int}", house.announcement_form),
    _route("/admin/announcements/{id:int}", house.change_announcement, POST),
    _route("/admin/announcements/{id:int}/withdraw", house.withdraw_announcement, POST),
]


def create_app(settings: Settings, *, federation: Federation) -> Starlette:
    """The node over `federation`'s database; what endpoints need stands in `app.state`."""
    database = federation.database
    plumbing = [
        _route("/healthz", health.healthz),
        _route("/health", health.health),
        _route("/readyz", health.Readiness(database, settings).readyz),
        _route("/static/{version}/{path:path}", static_files.static),
        _route("/favicon.ico", static_files.favicon),
        _route("/colours/{version}.css", identity.style_sheet),
        _route("/media/remote/{token:path}", serving.remote_file),
        _route("/media/{name}", serving.own_file),
    ]
    routes = [
        *plumbing,
        *STREAMING,
        *api.routes(),
        *FEDERATION,
        *PAGES,
        *FEEDS,
        *CALENDARS,
        *DEEDS,
        *COMMUNITY_MANAGEMENT,
        *ORGANIZATION_MANAGEMENT,
        *ACCOUNT,
        *OAUTH,
        *ADMINISTRATION,
    ]
    fields = AnswerFields(database.node, settings.media_origin)
    app = Starlette(
        middleware=[
            Middleware(RequestId),
            Middleware(RequestLog, proxies=settings.proxy_networks),
            Middleware(Headed, fields=fields),
            Middleware(CrossOrigin),
            Middleware(ApiFrame, calls=settings.api_calls),
            Middleware(Answered),
            Middleware(KnownHost, node=database.node),
            Middleware(Legible),
            Middleware(
                Bounded,
                max_bytes=settings.max_body,
                seconds=settings.receive_deadline,
                upload_bytes=media_limits.form_bytes(settings),
                upload_seconds=settings.upload_deadline,
            ),
        ],
        exception_handlers={HTTPException: on_http_exception},
    )
    app.router = Routes(routes)
    app.state.settings = settings
    app.state.database = database
    app.state.fed = federation
    app.state.fields = fields
    app.state.site = Site(database, settings)
    app.state.limits = Limits(database)
    app.state.kept = Kept(database)
    app.state.floods = Floods(settings)
    places = Places(settings.inbox_at_once, settings.receive_deadline / 4)
    app.state.intake = inbox.Intake(federation, app.state.floods, places)
    app.state.hub = Hub(database)
    app.state.remote_files = RemoteFiles(Store.of(settings), federation, settings)
    return app
