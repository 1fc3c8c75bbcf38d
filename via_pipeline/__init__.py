"""The data platform behind the progress letters of Programma VIA.

Data flows one way: ``intake -> quality -> pilots -> outcomes / diversity -> disclosure ->
letters / serving``. A room imports from rooms to its left, from ``contracts`` and from
``storage``; only ``defs`` imports Dagster.
"""

__version__ = "0.1.0"
