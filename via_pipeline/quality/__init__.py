"""Judge what was staged: rules run by Great Expectations, quarantine, the report to the partner.

Belongs here: suites made of the contracts' rules, both engines, the verdict, what the partner is
told. Does not belong here: reading files, or anything about outcomes. Great Expectations is
imported inside functions only: importing it costs seconds.
"""
