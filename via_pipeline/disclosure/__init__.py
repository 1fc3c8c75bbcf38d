"""Statistical disclosure control: what may be published, and what must not be worked out from it.

Belongs here: the rule sets (data), which dataset follows which, hiding what is too small and what
would give it back, the Dutch words of every published column. Does not belong here: computing a
figure (rooms to the left), laying out a package or file (``letters``, ``serving``), which read
``disclosure__*`` and nothing else.
"""
