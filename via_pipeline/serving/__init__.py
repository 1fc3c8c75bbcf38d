"""What BI tools read: one DuckDB file and its Parquet twins, swapped in at once.

Belongs here: building, checking and replacing ``serve/``. Does not belong here: a figure, a rule of
disclosure, any table but ``disclosure__*`` and dictionaries. Old releases and rollback come later.
"""
