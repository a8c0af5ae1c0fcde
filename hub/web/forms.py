"""What people fill in on the pages: read, and held against the model that REST has for the same. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeVar
from urllib.parse import parse_qs

from pydantic import BaseModel, ValidationError

from hub.web.problems import Problem

_MOST_FIELDS: Final = 20
_Asked = TypeVar("_Asked", bound=BaseModel)


def read_form(body: bytes) -> dict[str, str]:
    """Read the fields that are filled in; who decides and why have to be. Raises `Problem` ("bad-request")."""
    try:
        fields = parse_qs(body.decode(), keep_blank_values=False, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise Problem("bad-request", "the form cannot be read") from error
    form = {name: text for name, values in fields.items() if (text := values[0].strip())}
    if not ("author" in form and "note" in form):
        raise Problem("bad-request", "the form wants a name and a reason")
    return form


def checked(kind: type[_Asked], form: Mapping[str, object]) -> _Asked:
    """Make the model of a form. Raises `Problem` ("bad-request")."""
    try:
        return kind.model_validate(form)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise Problem("bad-request", f"{'.'.join(map(str, wrong['loc']))[:80]}: {wrong['msg'][:120]}") from error


def moments_us(form: Mapping[str, str], *names: str) -> dict[str, object]:
    """Give the form, those of its fields that are moments in UTC, as `datetime-local` has them, in microseconds.

    Raises `Problem` ("bad-request").
    """
    read: dict[str, object] = dict(form)
    for name in names:
        if name in form:
            try:
                moment = datetime.fromisoformat(form[name])
            except ValueError as error:
                raise Problem("bad-request", f"{name}: {form[name][:40]!r} is no date and time") from error
            read[name] = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1_000_000
    return read
