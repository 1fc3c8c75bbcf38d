"""Take in what partners send: find, recognise, read, pseudonymise, conform, remember.

Belongs here: everything up to a staged table whose columns are the contract's, without a direct
identifier. Does not belong here: judging a row (``quality/``) or combining deliveries
(``pilots/``).
"""
