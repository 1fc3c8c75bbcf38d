"""`make bench`: a nightly refresh beside a bare DuckDB script and what people would pick instead.

Belongs here: generated deliveries of P7 and P4 (``deliveries``), the one piece of work that all do
(``work``), the floor (``floor``), the product (``ours``), and the report. Does not belong here: the
other implementations (``benchmarks/peers``), disclosure control and diversity at scale
(``benchmarks/disclosure.py``, ``diversity.py``).
"""
