"""Denmark as a plane of 640 by 560: where a place stands on our maps."""

import math
from functools import lru_cache

from models import municipalities

WIDTH, HEIGHT, MARGIN = 640, 560, 26


@lru_cache(maxsize=1)
def _frame() -> tuple[float, float, float, float]:
    """West and north edge, how much narrower a degree of longitude is, and units to a degree."""
    known = municipalities.known().values()
    west, east = min(one.longitude for one in known), max(one.longitude for one in known)
    south, north = min(one.latitude for one in known), max(one.latitude for one in known)
    narrow = math.cos(math.radians((south + north) / 2))
    scale = min((WIDTH - 2 * MARGIN) / ((east - west) * narrow), (HEIGHT - 2 * MARGIN) / (north - south))
    return west, north, narrow, scale


def place(latitude: float, longitude: float) -> tuple[float, float]:
    """Where a point stands, from the left and from above."""
    west, north, narrow, scale = _frame()
    return round(MARGIN + (longitude - west) * narrow * scale, 1), round(MARGIN + (north - latitude) * scale, 1)
