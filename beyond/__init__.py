"""What is beyond one machine, shown on this one: a real cluster, started and ended here.

Belongs here: starting Spark's own master and workers, running the product on them, comparing with
DuckDB. Does not belong here: the engine (``via_pipeline.engine``), benchmarks of one machine
(``benchmarks/``). All data is synthetic.
"""
