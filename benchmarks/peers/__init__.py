"""What people would pick instead, each a short implementation of the work in ``refresh/work.py``.

Belongs here: those implementations, as a good engineer would write them with the library's own
means. They import nothing of the product and of each other, and run in environments of their own
(``requirements/bench/``). Does not belong here: measuring and comparing them.
"""
