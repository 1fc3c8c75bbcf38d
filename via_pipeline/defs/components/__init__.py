"""Component classes that a ``defs.yaml`` may name."""
