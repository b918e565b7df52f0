"""Sending mail: one letter, to one address, by the administrator's mail server.

Every mail is a job promised together with its cause; the letter is written when it is sent, and what must stay secret
(the address in it) is nowhere but in the letter. Nothing is logged of a letter but its kind and whether it went.
"""

import contextlib
import smtplib
import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr

import structlog

from federation.crossing import in_thread
from federation.working import GiveUp
from models import accounts
from models.base import now
from models.errors import DomainError, Invalid
from server.settings import Settings

log = structlog.get_logger("torv.mail")

DEADLINE = 20.0
"""Seconds for each step of talking to the mail server."""

BROKE_OFF = "The mail server broke off."
NOT_THE_LETTERS_FAULT = (smtplib.SMTPAuthenticationError, smtplib.SMTPConnectError, smtplib.SMTPHeloError)
"""Refusals that concern all letters: an administrator mends that, and then they go out."""


class MailFault(DomainError):
    """The mail server did not take a letter now; it is tried again (HTTP 503)."""

    status = 503
    code = "mail_fault"

    def __init__(self, text: str, *, perhaps_taken: bool = False) -> None:
        super().__init__(text)
        self.perhaps_taken = perhaps_taken
        """The way broke while the server had the letter: nobody knows whether it goes on to its reader."""


@dataclass(frozen=True)
class Letter:
    """One mail. `headers` are such as `List-Unsubscribe`; no text in it can become a header by a line break."""

    to: str
    subject: str
    text: str
    html: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def is_set_up(settings: Settings) -> bool:
    """Whether this node can send mail at all."""
    return bool(settings.smtp_host)


def sender(settings: Settings) -> str:
    """The address mail comes from."""
    return settings.mail_from or f"torv@{settings.node.domain.partition(':')[0]}"


def message(settings: Settings, letter: Letter, *, name: str) -> EmailMessage:
    """The letter as it goes over the wire. `name`: the node's, as the reader sees whom it is from.

    Raises Invalid for an address that is none.
    """
    made = EmailMessage(policy=SMTP)
    local, _, domain = parseaddr(sender(settings))[1].rpartition("@")
    made["From"] = Address(display_name=_line(name), username=local, domain=domain)
    to_local, _, to_domain = accounts.address(letter.to).rpartition("@")
    made["To"] = Address(username=to_local, domain=to_domain)
    made["Subject"] = _line(letter.subject)
    made["Date"] = format_datetime(now())
    made["Message-ID"] = make_msgid(domain=domain)
    made["Auto-Submitted"] = "auto-generated"
    for header, value in letter.headers:
        made[header] = _line(value)
    made.set_content(letter.text)
    if letter.html:
        made.add_alternative(letter.html, subtype="html")
    return made


def _line(text: str) -> str:
    return " ".join(text.split())


async def send(settings: Settings, letter: Letter, *, name: str) -> None:
    """Hand the letter to the mail server.

    Raises MailFault where trying again may help, GiveUp where it will not: the server refuses the reader's address.
    """
    try:
        made = message(settings, letter, name=name)
    except Invalid as error:
        raise GiveUp(f"the address cannot be written to: {error.text}") from None
    await in_thread(lambda: _hand_over(settings, made))


def _hand_over(settings: Settings, made: EmailMessage) -> None:
    try:
        server = connected(settings)
        try:
            _give(server, made)
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()  # the letter is taken, whatever the server says to our farewell
        finally:
            server.close()
    except smtplib.SMTPRecipientsRefused as refused:
        code = next(iter(refused.recipients.values()))[0]
        if 500 <= code < 600:
            raise GiveUp(f"the mail server refuses the address ({code})") from None
        raise MailFault("The mail server does not take it now.") from None
    except smtplib.SMTPResponseException as error:
        if 500 <= error.smtp_code < 600 and not isinstance(error, NOT_THE_LETTERS_FAULT):
            raise GiveUp(f"the mail server refuses the letter ({error.smtp_code})") from None
        raise MailFault("The mail server does not take it now.") from None
    except (OSError, smtplib.SMTPException) as error:
        raise MailFault(f"The mail server cannot be reached ({type(error).__name__}).") from None


def _give(server: smtplib.SMTP, made: EmailMessage) -> None:
    try:
        server.send_message(made)
    except smtplib.SMTPServerDisconnected as error:
        raise MailFault(BROKE_OFF, perhaps_taken=True) from error
    except smtplib.SMTPException:
        raise
    except OSError as error:
        raise MailFault(BROKE_OFF, perhaps_taken=True) from error


def connected(settings: Settings) -> smtplib.SMTP:
    """A connection to the mail server, encrypted and signed in as the settings say. Raises OSError or SMTPException."""
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    if settings.smtp_security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            settings.smtp_host, settings.smtp_port, timeout=DEADLINE, context=context
        )
    else:
        server = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=DEADLINE)
    try:
        if settings.smtp_security == "starttls":
            server.starttls(context=context)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password)
    except BaseException:
        server.close()
        raise
    return server
