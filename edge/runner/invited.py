"""What a station does with a scan that is an invitation: never goods, never logged, told to nobody who listens."""

from __future__ import annotations

from edge.enrol.api import Enrolling
from edge.enrol.errors import NotNow
from edge.errors import EdgeError
from edge.station.actions import Accepted, Outcome, Rejected
from protocol.cards import Mode
from protocol.errors import BadInput

ENROL = "enrol"
NAMED_BY_FILE = Rejected("already-enrolled", "this station is named in its own settings, and takes no invitation")


async def take_invitation(desk: Enrolling | None, text: str, mode: Mode) -> Outcome:
    """Hand an invitation to the desk; None where the station has none. No outcome repeats the digits."""
    if desk is None:
        return NAMED_BY_FILE
    try:
        await desk.offer(text)
    except BadInput as error:
        return Rejected(error.name, error.detail)
    except NotNow as error:
        return Rejected("already-enrolled", str(error))
    except EdgeError as error:
        return Rejected("identity-failing", str(error))
    return Accepted(ENROL, mode)
