"""Cultural diversity: origin from birth countries, and the Barometer's tables.

Belongs here: both origin classifications, the rules under which an organisation's shares may be
shown, the tables made by them. Does not belong here: outcomes of a pilot, hiding small groups
(``disclosure``). Sources of the rules: data/reference/README.md and the modules' own docstrings.
"""
