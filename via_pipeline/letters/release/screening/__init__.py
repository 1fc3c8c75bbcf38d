"""The screener: is this package fit to be looked at by a person?

Belongs here: checks that a machine can do on a package as it lies there, each PASS, WARN or FAIL
with a reason and what to do. Does not belong here: who may release it (``dossier``), or proving
that nothing can be worked out (``disclosure``, the attack). The families of checks are those that
statistical publishers screen for (file, header, encoding, rows, values, totals, periods, metadata,
words); the model was the Department for Education's eesyscreener, of which no code is used.
"""
