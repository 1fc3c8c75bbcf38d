"""The attacker: an outsider's program that tries to re-identify people from what is published.

Belongs here: reading a publication as a stranger would, and every way we know to get a hidden
figure back. Does not belong here: anything of ``via_pipeline``. The attacker imports nothing of it
and shares no algorithm with it: a mistake in the protector must not be repeated by who tests it.
"""
