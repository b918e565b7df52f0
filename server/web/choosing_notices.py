"""What the visitor is told, on the page and by mail, by whom, and how often he gets the letter with what is new; and the
links in letters that end them."""

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from federation.crossing import writing
from models import digests, notice_choices, notification_policy, unsubscribing
from models.accounts import Account
from models.actors import Actor
from models.digests import Every
from models.notice_choices import KEPT, KINDS, Sort
from models.notification_policy import SORTS, VERDICTS
from server.forms import Form
from server.i18n import later
from server.limits import MAILS_BY_ADDRESS
from server.web.visits import Visit, action, own_page, page

NAMES = {
    Sort.ANSWERS: later("Answers and comments to me, and in threads I follow"),
    Sort.MENTIONS: later("Somebody names me or asks me"),
    Sort.ACCEPTED: later("My answer is accepted"),
    Sort.VOTES: later("Votes for what I wrote, and who passes it on"),
    Sort.FOLLOWERS: later("New followers"),
    Sort.POSTS: later("Posts of those I want to be told of, and polls that are over"),
    Sort.EXPERIENCE: later("My reports of experience: who does the same, who names me, and what happened since"),
    Sort.DOGMAS: later("Dogmas: who endorses mine, new versions of those I endorse, and votes I can take part in"),
    Sort.REMINDERS: later("Reminders I have asked for"),
    Sort.MEETINGS: later("Meetings I come to: my place, changes, cancellation and reminders"),
    Sort.ATTENDANCE: later("Who signs up for my meetings"),
    Sort.REQUESTS: later("Requests that wait for my answer"),
    Sort.HOUSE: later("From moderators and about my account"),
}
SENDERS = {
    "not_following": later("People I do not follow"),
    "not_followers": later("People who do not follow me"),
    "new_accounts": later("Accounts younger than a month"),
    "private_mentions": later("Private posts I have not asked for"),
    "limited_accounts": later("Accounts the moderators have limited"),
}
VERDICT_NAMES = {
    "accept": later("Tell me"),
    "filter": later("Keep it aside"),
    "drop": later("Do not tell me"),
}
EVERY = {Every.NEVER: later("Never"), Every.DAY: later("Every morning"), Every.WEEK: later("Every Monday morning")}


@own_page
async def choices_form(visit: Visit) -> Response:
    """`GET /settings/notices`: what holds now."""

    def look(db: Session) -> Form:
        account = visit.my_account
        policy = notification_policy.get(db, account.id)
        kinds = {sort: next(iter(KINDS.get(sort, ("removed",)))) for sort in Sort}
        return Form.filled(
            page=[sort.value for sort in Sort if notice_choices.shown(account, kinds[sort])],
            mail=[sort.value for sort in Sort if notice_choices.mailed(account, kinds[sort])],
            digest=(digests.of(db, account.id) or Every.NEVER).value,
            **{name: getattr(policy, name) for name in SORTS},
        )

    return _page(visit, await visit.read(look))


def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    return visit.page(
        "settings_notices.html",
        status=status,
        form=form,
        tab="notices",
        sorts=NAMES,
        kept=KEPT,
        senders=SENDERS,
        verdicts=VERDICT_NAMES,
        intervals=EVERY,
    )


@action
async def choose(visit: Visit, form: Form) -> Response:
    """`POST /settings/notices`: save it."""
    sorts = [sort.value for sort in Sort]
    on_page, by_mail = set(form.choices("page", sorts)), set(form.choices("mail", sorts))
    sends = visit.site.policy.by_mail
    every = form.choice("digest", [each.value for each in Every], Every.NEVER) if sends else ""
    policy = {name: form.choice(name, VERDICTS, "accept") for name in SORTS}
    if form.errors:
        return _page(visit, form, 422)

    def write(db: Session, me: Actor) -> None:
        account = db.get_one(Account, me.id)
        if not sends:
            by_mail.update(notice_choices.now_mailed(account))
        notice_choices.choose(db, account, on_page, by_mail)
        notification_policy.choose(db, me.id, policy)
        if every:
            digests.choose(db, me.id, every)

    await visit.write(write)
    return visit.go("/settings/notices", said="saved")


@page
async def unsubscribe_form(visit: Visit) -> Response:
    """`GET /unsubscribe/{token}`: no more such letters? Opening it changes nothing, because mail programs open links."""
    token: str = visit.request.path_params["token"]
    account, kind = await visit.read(lambda db: unsubscribing.look(db, token))
    visit.speak(account.language)
    return visit.page("unsubscribe.html", kind=kind, ended=False)


async def unsubscribe(request: Request) -> Response:
    """`POST /unsubscribe/{token}`: no more. By the reader's click, or by his mail program on its own (RFC 8058), which
    has no session, no token of a form and names another site: the link itself is the proof, and all it can do is to end
    letters."""
    visit = await Visit.of(request)
    await visit.limits.count(MAILS_BY_ADDRESS, visit.client)
    token: str = request.path_params["token"]
    account, kind = await writing(visit.database, lambda db: unsubscribing.end(db, token))
    visit.speak(account.language)
    return visit.page("unsubscribe.html", kind=kind, ended=True)
