"""The status of the house, for who keeps it running: what is broken, what came, what is where.

Belongs here: the static status site and its questions to ledger, kept results and published tables;
in Dutch, without a value of a row. Does not belong here: Dagster (``defs/standing.py`` hands its
records over as ``Facts``), judging, publishing. The site stays inside the house (``reports/`` is
restricted), and is made as if it did not: counts of people obey the rules of what is published.

- ``facts``     what the orchestrator knows, as plain values
- ``broken``    what is broken right now: the site's first page, ``via broken``, the standing check
- ``calendar``  what was expected and what came, per source and month
- ``partners``  quality of the deliveries per partner
- ``lineage``   from source to table to the datasets of a letter
- ``site``      the pages
"""
