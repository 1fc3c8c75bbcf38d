"""One module a topic of ``via``: words, options and exit codes of its commands.

Belongs here: what a person types and reads. Does not belong here: the work itself (the rooms), nor
an import that costs time before a command needs it.
"""
