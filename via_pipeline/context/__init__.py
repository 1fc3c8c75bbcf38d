"""The labour market around the pilots: published series, as context and never as an outcome.

Belongs here: tables made of ``data/reference``. Does not belong here: figures of a pilot, and any
comparison of a pilot with these series.
"""
