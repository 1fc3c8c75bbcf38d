"""What the law asks beyond keeping things apart: terms, erasure, another key, a register.

Belongs here: deleting for good, from the lake, quarantine, reports and kept deliveries, and what is
written about that. Does not belong here: pseudonyms and the list of who is left out (``intake``),
small counts (``disclosure``). Stands at the end of the flow: only the shell imports it.
"""
