"""Synthetic deliveries with known truth: what partners could send, about people who do not exist.

Belongs here: the seeded generator (``via sample``), the truth it plants (``truth.py``) and the
shipped set it makes (``schedule.py`` -> ``data/landing``). Does not belong here: anything that
reads deliveries. Only the CLI and the tests import this room; nothing here is a result of VIA.
"""
