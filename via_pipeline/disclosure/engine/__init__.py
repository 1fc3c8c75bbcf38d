"""The protector: which further figures to hide, so that none that must stay hidden can be found.

Belongs here: one joint linear system over all tables of a release (``problem``), the rules that
say which figures are too revealing (``rules``), and the search for a cheap pattern (``protect``:
a first pattern, repair by attack, clean-up, less detail as the last resort). Does not belong here:
datasets, SQL and Dutch words (``disclosure.protect``), nor the proof that a pattern is safe: that
is ``disclosure.audit``, which shares no code with this package.
"""
