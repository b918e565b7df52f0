"""Measurements: run by hand, they print figures. What must hold is asserted in the tests."""
