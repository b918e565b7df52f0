"""Pictures that come with a form: taken in like those of apps, with their words, one field each."""

from collections.abc import Collection

from models.errors import DomainError
from models.media import MAX_DESCRIPTION, MAX_FILES, PICTURES, Made, Purpose, State
from server.forms import Form
from server.i18n import later
from server.media import uploading
from server.web.visits import Visit

PATIENCE = 25.0
"""Seconds for which the answer to a form waits for the work on one picture."""

FAULTS = {
    "file_kind": later("This kind of file cannot be shown here. Use JPEG, PNG, WebP or GIF."),
    "file_large": later("The picture is too large."),
}
DAMAGED = later("The picture is damaged, or not what it seems.")


async def attached(visit: Visit, form: Form) -> tuple[int, ...]:
    """The ids of the pictures sent as `file1` to `file4`, described by `alt1` to `alt4`; faults are noted on the form.

    Where the form has faults already nothing is taken, and the visitor is told to choose the pictures again.
    """
    sent = [(at, form.files[f"file{at}"]) for at in range(1, MAX_FILES + 1) if f"file{at}" in form.files]
    words = {at: form.text(f"alt{at}", most=MAX_DESCRIPTION, required=False) for at, _ in sent}
    if form.errors:
        for at, _ in sent[:1]:
            form.error(f"file{at}", later("Choose your pictures again; a browser does not keep them."))
        return ()
    ids = []
    for at, upload in sent:
        try:
            row = await uploading.take(visit.database, visit.settings, visit.me.id, upload, description=words[at])
        except DomainError as error:
            if error.status != 422:
                raise
            form.error(f"file{at}", FAULTS.get(error.code, DAMAGED))
            continue
        ended = await uploading.settled(visit.database, visit.me.id, row.id, PATIENCE)
        if ended.state != State.READY:
            form.error(f"file{at}", DAMAGED)
        ids.append(ended.id)
    return tuple(ids)


async def pictures(
    visit: Visit, form: Form, purposes: Collection[Purpose] = tuple(PICTURES)
) -> dict[Purpose, tuple[int, Made]]:
    """The pictures sent as fields named by their purposes, cut to size and kept, with the ids their rows are to have.

    Faults are noted on the form; then none is kept.
    """
    kept: dict[Purpose, tuple[int, Made]] = {}
    sent = {purpose: form.files[purpose.value] for purpose in purposes if purpose.value in form.files}
    for purpose, upload in () if form.errors else sent.items():
        try:
            kept[purpose] = await uploading.picture(visit.database, visit.settings, upload, purpose)
        except DomainError as error:
            if error.status != 422:
                raise
            form.error(purpose.value, FAULTS.get(error.code, DAMAGED))
    if form.errors:
        for _, made in kept.values():
            await uploading.discard(visit.settings, made)
        return {}
    return kept
