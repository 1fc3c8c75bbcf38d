"""Where things lie and how they are written: the floor that every room stands on.

Belongs here: paths, atomic writes, the lake's tables, DuckDB connections. Does not belong here:
any knowledge of partners, rules or statistics.
"""
