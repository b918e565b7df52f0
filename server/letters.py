"""Letters about somebody's account: what each says, in its reader's language."""

from collections.abc import Mapping
from typing import Any

from models import actors, email_links, invitations
from models.email_links import Purpose
from models.registrations import Application
from server.i18n import later
from server.sheets import Desk, Sheet, address


def confirm(desk: Desk, job: Mapping[str, Any]) -> Sheet | None:
    """Is this your address?"""
    to = address(desk, job)
    token = email_links.make(desk.db, desk.account, Purpose.CONFIRM, to)
    return Sheet(
        desk.say(later("Confirm your e-mail address")),
        [desk.say(later("Somebody, we hope it was you, has given this address at %(place)s. Confirm that it is yours."), place=desk.place)],
        (desk.say(later("Confirm the address")), f"{desk.origin}/confirm/{token}"),
        closing=[desk.say(later("The link is valid for three days. If it was not you, do nothing."))],
    )  # fmt: skip


def password(desk: Desk, job: Mapping[str, Any]) -> Sheet | None:
    """You have lost your password."""
    token = email_links.make(desk.db, desk.account, Purpose.PASSWORD, address(desk, job))
    return Sheet(
        desk.say(later("Choose a new password")),
        [desk.say(later("Somebody, we hope it was you, has asked for a new password at %(place)s."), place=desk.place)],
        (desk.say(later("Choose a new password")), f"{desk.origin}/password/{token}"),
        closing=[
            desk.say(later("The link is valid for two hours and works once. If it was not you, do nothing: your password stays as it is."))
        ],
    )  # fmt: skip


def moved(desk: Desk, job: Mapping[str, Any]) -> Sheet | None:
    """To the address that was yours: your account has another now."""
    return Sheet(
        desk.say(later("Your account has another e-mail address")),
        [desk.say(later("The e-mail address of your account at %(place)s was changed. We write to this one for the last time."), place=desk.place)],
        closing=[desk.say(later("If it was not you, write to the administrator at once: %(address)s"), address=f"{desk.origin}/contact")],
    )  # fmt: skip


def invitation(desk: Desk, job: Mapping[str, Any]) -> Sheet | None:
    """Somebody invites you."""
    renewed = invitations.renew(desk.db, int(job["invitation"]))
    if renewed is None:
        return None
    row, token = renewed
    inviter = actors.get(desk.db, row.invited_by).display_name if row.invited_by is not None else desk.place
    return Sheet(
        desk.say(later("%(name)s invites you to %(place)s"), name=inviter, place=desk.place),
        [
            desk.say(later("%(name)s thinks you should be part of %(place)s."), name=inviter, place=desk.place),
            desk.say(later("Here people in the public sector ask one another how things are done.")),
        ],
        (desk.say(later("Create your account")), f"{desk.origin}/invitations/{token}"),
        closing=[desk.say(later("The invitation is for you alone and works once, for seven days. We write no more if you do not use it."))],
    )  # fmt: skip


def approved(desk: Desk, job: Mapping[str, Any]) -> Sheet | None:
    """You are let in."""
    return Sheet(
        desk.say(later("Welcome to %(place)s"), place=desk.place),
        [desk.say(later("A moderator has said yes: your account is open."))],
        (desk.say(later("Sign in")), f"{desk.origin}/sign-in?next=/start"),
    )


def refused(desk: Desk, job: Mapping[str, Any]) -> Sheet | None:
    """You are not let in, and why."""
    application = desk.db.get(Application, desk.account.id)
    if application is None or application.refused_at is None:
        return None
    return Sheet(
        desk.say(later("About your account at %(place)s"), place=desk.place),
        [desk.say(later("A moderator has read what you wrote, and does not let you in:")), application.refusal],
        closing=[desk.say(later("Everything we know of you is deleted within a month.")), _questions(desk)],
    )


DONE = {
    "warned": later("You have a warning from the moderators"),
    "hidden": later("The moderators have hidden something of yours"),
    "deleted_post": later("The moderators have deleted something of yours"),
    "limited": later("The moderators have limited your account"),
    "suspended": later("The moderators have suspended your account"),
    "opened": later("Your account is open again"),
    "banned": later("You are shut out of a community"),
    "deleted": later("The moderators have deleted your account"),
    "appeal_accepted": later("Your appeal was accepted"),
    "appeal_refused": later("Your appeal was not accepted"),
}
"""What moderators did, for each of `models.letters.MODERATION`."""


def moderation(desk: Desk, job: Mapping[str, Any]) -> Sheet | None:
    """Moderators have done something to you or yours."""
    done = desk.say(DONE[str(job["what"])])
    paragraphs = [f"{done}."]
    if job["about"]:
        paragraphs.append(desk.say(later("It is about: %(what)s"), what=job["about"]))
    if job["reason"]:
        paragraphs += [desk.say(later("The reason they give:")), str(job["reason"])]
    path = str(job["path"])
    action = (desk.say(later("See it, and appeal if you do not agree")), desk.origin + path) if path else None
    return Sheet(done, paragraphs, action, closing=[_questions(desk)])


def _questions(desk: Desk) -> str:
    return desk.say(later("Any questions? Write to us: %(address)s"), address=f"{desk.origin}/contact")
