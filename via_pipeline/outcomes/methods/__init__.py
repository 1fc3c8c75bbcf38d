"""The estimators: from a tidy frame to an estimate, or to a reason why there is none.

Belongs here: pure functions on frames (no files, no orchestrator, no clock), one module a family
of methods, and the rows that they fill. Does not belong here: which pilot asks which question
(``outcomes/plan.py``), the Dutch sentences (``outcomes/wording.py``), or whether a figure may be
published (``disclosure``). Statistics libraries are imported inside functions: together they take
seconds. What each method assumes, and where its check comes from: docs/methods.md.
"""
