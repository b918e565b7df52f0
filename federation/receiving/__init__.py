"""Receiving: from a request at the inbox to a proven, stored activity, and from there to its effect."""

from federation.receiving.accepting import accept, check_form
from federation.receiving.processing import process
from federation.receiving.requests import Allowance, IncomingRequest, NoLimit, Refusal, Reply, claimed_host
from federation.receiving.signing import identify
from federation.receiving.working import run

__all__ = [
    "Allowance",
    "IncomingRequest",
    "NoLimit",
    "Refusal",
    "Reply",
    "accept",
    "check_form",
    "claimed_host",
    "identify",
    "process",
    "run",
]
