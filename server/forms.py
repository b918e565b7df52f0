"""Reading what people typed: typed values, an error beside its field, and the typed text kept for the next try.

form = await Form.read(request)
title = form.text("title", most=300)
visibility = form.choice("visibility", ("public", "node"))
if form.errors:
    return visit.page("ask.html", form=form, status=422)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from models.errors import Invalid
from server.i18n import later

MAX_FIELDS = 100


@dataclass
class Form:
    """What was typed, by field name, and the errors found so far (English, translated where they are shown)."""

    values: dict[str, list[str]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    files: dict[str, UploadFile] = field(default_factory=dict)
    """The files that were chosen, by field name; they last until the request is closed."""

    @classmethod
    async def read(cls, request: Request, *, files: int = 0) -> "Form":
        """The form in a request's body with at most so many files. Raises Invalid if it is no form."""
        data = await request.form(max_files=files, max_fields=MAX_FIELDS, max_part_size=500_000)
        form = cls.of(data)
        sent = [(name, value) for name, value in data.multi_items() if isinstance(value, UploadFile)]
        form.files = {name: value for name, value in sent if value.size}
        return form

    @classmethod
    def of(cls, data: FormData) -> "Form":
        """The form as Starlette read it. Characters that no keyboard writes and no database takes are refused."""
        values: dict[str, list[str]] = {}
        for name, value in data.multi_items():
            if isinstance(value, str):
                values.setdefault(name, []).append(value)
        for given in (*values, *(value for many in values.values() for value in many)):
            if "\x00" in given or any(0xD800 <= ord(c) <= 0xDFFF for c in given):
                raise Invalid("The text holds characters that cannot be stored.")
        return cls(values)

    @classmethod
    def filled(cls, **values: str | Sequence[str]) -> "Form":
        """A form as it is shown first, with these values in it."""
        return cls({name: [value] if isinstance(value, str) else list(value) for name, value in values.items()})

    def raw(self, name: str) -> str:
        """What stands in the field now, for showing it again."""
        return self.values.get(name, [""])[-1]

    def holds(self, name: str, value: str) -> bool:
        """Whether `value` is ticked or chosen in this field."""
        return value in self.values.get(name, [])

    def error(self, name: str, text: str) -> None:
        """Note what is wrong with a field; the first fault found is the one that is told."""
        self.errors.setdefault(name, text)

    def text(self, name: str, *, most: int, required: bool = True) -> str:
        """Text with its ends trimmed and newlines as `\\n`; at most `most` characters."""
        text = self.raw(name).replace("\r\n", "\n").replace("\r", "\n").strip()
        if required and not text:
            self.error(name, later("Write something here."))
        elif len(text) > most:
            self.error(name, later("This is too long."))
        return text

    def line(self, name: str, *, most: int, required: bool = True) -> str:
        """`text` on a single line."""
        text = self.text(name, most=most, required=required)
        return " ".join(text.split())

    def secret(self, name: str, *, most: int = 1000) -> str:
        """A password, exactly as typed."""
        text = self.raw(name)
        if not text:
            self.error(name, later("Write something here."))
        elif len(text) > most:
            self.error(name, later("This is too long."))
        return text

    def choice(self, name: str, among: Sequence[str], default: str = "") -> str:
        """One of `among`; `default` if the field was left out."""
        value = self.raw(name) or default
        if value not in among:
            self.error(name, later("Choose one of these."))
            return default
        return value

    def choices(self, name: str, among: Sequence[str]) -> tuple[str, ...]:
        """Those of `among` that are ticked, in the order of `among`."""
        chosen = self.values.get(name, [])
        if any(value not in among for value in chosen):
            self.error(name, later("Choose among these."))
        return tuple(value for value in among if value in chosen)

    def flag(self, name: str) -> bool:
        """Whether a box is ticked."""
        return bool(self.raw(name))

    def number(self, name: str) -> int | None:
        """A whole number that fits an id; None if the field is empty."""
        text = self.raw(name).strip()
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) < 2**63):
            self.error(name, later("Choose one of these."))
            return None
        return int(text)

    def numbers(self, name: str) -> tuple[int, ...]:
        """The ids that are ticked, each once; what cannot be an id is left out."""
        ticked = dict.fromkeys(self.values.get(name, []))
        return tuple(
            int(text) for text in ticked if text.isascii() and text.isdigit() and len(text) < 20 and int(text) < 2**63
        )
