"""Bad nights, made on purpose: what must hold when a run is killed, crowded or fed hostile files.

Belongs here: programs that do harm to a small installation of their own, and say what was left of
it. Does not belong here: a hook in the product. ``via_pipeline`` does not know that it is watched,
and what a reader sees is looked at without its code.
"""
