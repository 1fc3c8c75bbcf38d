"""The audit: what an outsider can work out of what is published, by means of its own.

Belongs here: feasible intervals of every hidden figure, and pairs of whole tables as witnesses that
a figure cannot be known better than its rule allows. Shares no code with the protector
(``disclosure.engine``): other equations (over values, not over differences), another search, and a
last word by exact arithmetic. Does not belong here: hiding anything.
"""
