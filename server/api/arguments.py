"""What a client sends, in whatever form it sends it: query, form, multipart or JSON become one typed value.

Names may be written as Rails takes them: `media_ids[]=1&media_ids[]=2`, `poll[options][]=a`,
`fields_attributes[0][name]=Web`. JSON says the same with arrays and objects. Names we do not know are ignored, as
clients send what newer servers understand.
"""

import re
from functools import lru_cache
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from models.errors import Invalid
from models.windows import Window
from server.security import brings_files, is_form, is_json

A = TypeVar("A", bound=msgspec.Struct)

Id = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""An id as clients send it: a string of digits, or a number."""

Whole = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
"""A whole number that no database stumbles over."""

MAX_FIELDS = 200
MAX_DEPTH = 8
MAX_FILES = 8
NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
PART = re.compile(r"\[([^\[\]]*)\]")
TRUE = {"true", "1", "on", "t", "yes", "y"}
FALSE = {"false", "0", "off", "f", "no", "n", ""}


class Nothing(msgspec.Struct):
    """For endpoints that take no arguments."""


class Paged(msgspec.Struct, kw_only=True):
    """Which stretch of a list is asked for."""

    max_id: Id | None = None
    since_id: Id | None = None
    min_id: Id | None = None
    limit: Whole | None = None

    def window(self, default: int = 20, most: int = 40) -> Window:
        """The stretch, with as many rows as are wished for and allowed."""
        wanted = default if self.limit is None else min(max(self.limit, 1), most)
        return Window(self.max_id, self.since_id, self.min_id, wanted)


async def read(request: Request, form: type[A]) -> tuple[A, dict[str, UploadFile]]:
    """The arguments of a request as `form`, and the files sent with them. Raises Invalid, naming the argument.

    A GET may bring JSON as well, as Mastodon.py asks for familiar followers and Rails reads it.
    """
    values = _nested(_pairs(request.scope["query_string"]))
    files: dict[str, UploadFile] = {}
    if request.method not in {"GET", "HEAD"} or is_json(request.headers):
        body, files = await _body(request)
        values |= body
    return convert(values, form), files


def convert(values: dict[str, Any], form: type[A]) -> A:
    """Values as they were sent, as `form`. Raises Invalid, naming the argument at fault."""
    try:
        return msgspec.convert(_fitting(values, form), form, strict=False)
    except (msgspec.ValidationError, OverflowError) as error:
        raise Invalid(_plainly(str(error)), code="argument_unfit") from None


def _pairs(sent: bytes) -> list[tuple[str, str]]:
    """Names and values of a query or form. Scripts write letters such as `ø` as they are, in UTF-8, and not as `%C3%B8`:
    Starlette would take each byte for a letter. Raises Invalid."""
    try:
        return parse_qsl(sent.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS * 2)
    except ValueError:
        raise Invalid("The form is not UTF-8, or has too many fields.", code="body_unreadable") from None


async def _body(request: Request) -> tuple[dict[str, Any], dict[str, UploadFile]]:
    if is_form(request.headers) and not brings_files(request.headers):
        return _nested(_pairs(await request.body())), {}
    if brings_files(request.headers):
        try:
            data: FormData = await request.form(max_files=MAX_FILES, max_fields=MAX_FIELDS, max_part_size=500_000)
        except HTTPException:
            raise Invalid("The form could not be read.", code="body_unreadable") from None
        request.state.uploads = data  # closed when the request is answered
        texts = [(name, value) for name, value in data.multi_items() if isinstance(value, str)]
        files = {name: value for name, value in data.multi_items() if isinstance(value, UploadFile)}
        return _nested(texts), files
    raw = await request.body()
    if not raw.strip():
        return {}, {}
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Invalid("The body is neither JSON nor a form.", code="body_unreadable") from None
    if not isinstance(value, dict):
        raise Invalid("The body has to be a JSON object.", code="body_unreadable")
    _check(value)
    return value, {}


def _check(value: Any, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise Invalid("The body is nested too deeply.", code="body_unreadable")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)


def _check_text(text: str) -> None:
    if "\x00" in text or any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        raise Invalid("The text holds characters that cannot be stored.", code="text_unfit")


def _nested(items: list[tuple[str, str]]) -> dict[str, Any]:
    """Rails' way of writing lists and objects into a flat form."""
    found: dict[str, Any] = {}
    for name, value in items[: MAX_FIELDS * 2]:
        _check_text(name)
        _check_text(value)
        parsed = NAME.fullmatch(name)
        if parsed is None:
            continue
        path = [parsed[1], *PART.findall(parsed[2])]
        if len(path) <= MAX_DEPTH:
            _put(found, path, value)
    return {name: _listed(value) for name, value in found.items()}


def _put(into: dict[str, Any], path: list[str], value: str) -> None:
    name, *rest = path
    if not rest:
        into[name] = value
        return
    inner = into.setdefault(name, {})
    if not isinstance(inner, dict):
        inner = into[name] = {}
    if rest[0] == "":
        # `a[]=1` appends; `a[][b]=1` begins a new object when the last one has a `b`
        last = inner.get(str(len(inner) - 1))
        if len(rest) > 1 and isinstance(last, dict) and rest[1] not in last:
            _put(last, rest[1:], value)
        else:
            _put(inner, [str(len(inner)), *rest[1:]], value)
    else:
        _put(inner, rest, value)


def _listed(value: Any) -> Any:
    """Objects whose names are numbers are lists, in the order of the numbers."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(item) for name, item in value.items()}
    if inner and all(name.isascii() and name.isdigit() and len(name) < 6 for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def _fitting(values: dict[str, Any], form: type[msgspec.Struct]) -> dict[str, Any]:
    """Help the usual ways of writing a value into the type: yes and no, one value for a list, an empty number."""
    fitted: dict[str, Any] = {}
    for field in _fields(form):
        if field.encode_name in values:
            value = _fit(values[field.encode_name], field.type)
            if value is not _UNSAID:
                fitted[field.encode_name] = value
    return fitted


@lru_cache(maxsize=1024)
def _fields(form: type[msgspec.Struct]) -> tuple[msgspec.inspect.Field, ...]:
    info = msgspec.inspect.type_info(form)
    assert isinstance(info, msgspec.inspect.StructType)
    return info.fields


_UNSAID = object()


def _fit(value: Any, kind: msgspec.inspect.Type) -> Any:
    inspect = msgspec.inspect
    optional = False
    if isinstance(kind, inspect.UnionType):
        optional = any(isinstance(one, inspect.NoneType) for one in kind.types)
        others = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
        if len(others) != 1:
            return value
        kind = others[0]
    if value is None:
        return None if optional else _UNSAID
    if isinstance(kind, inspect.BoolType) and isinstance(value, str | int):
        word = str(value).strip().lower()
        return True if word in TRUE else False if word in FALSE else value
    if isinstance(kind, inspect.IntType | inspect.FloatType) and isinstance(value, str):
        word = value.strip()
        if not word:
            return None if optional else _UNSAID
        if isinstance(kind, inspect.IntType) and not re.fullmatch(r"-?[0-9]{1,20}", word):
            raise Invalid("An argument is not the number or id it should be.", code="argument_unfit")
        return word
    if isinstance(kind, inspect.StrType) and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(kind, inspect.ListType):
        if isinstance(value, str | int):
            value = [value]
        elif isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            return [fitted for one in value if (fitted := _fit(one, kind.item_type)) is not _UNSAID]
    if isinstance(kind, inspect.StructType) and isinstance(value, dict):
        return _fitting(value, kind.cls)
    if isinstance(kind, inspect.DictType) and isinstance(value, list):
        return {str(number): one for number, one in enumerate(value)}
    return value


def _plainly(text: str) -> str:
    what, _, where = text.partition(" - at ")
    name = where.strip("`").removeprefix("$.")
    return f"{name}: {what}" if name else what
