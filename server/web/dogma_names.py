"""How dogmas stand, and how it was decided, as the pages say it."""

from collections.abc import Mapping

from models.dogmas import Status
from server.i18n import later

STATUS_NAMES: Mapping[str, str] = {
    Status.PROPOSED: later("Proposed"),
    Status.ADOPTED: later("Adopted"),
    Status.WITHDRAWN: later("Withdrawn"),
    Status.REJECTED: later("Rejected"),
}
MEANS: Mapping[str, str] = {
    Status.PROPOSED: later("This is a proposal. It has no number and does not hold yet."),
    Status.WITHDRAWN: later("This dogma is withdrawn and holds no longer. It stays here, with all who endorsed it."),
    Status.REJECTED: later("This proposal was rejected. It stays here, with what was said about it."),
}
"""What stands above the text of one that does not hold."""
