"""The release gate: from a concept package to a published edition that nobody overwrites.

Belongs here: states and who may change them, votes, the log, the screener, the checklist, freezing,
and what checks a published edition afterwards (``verify``, ``rebuild``, ``impact``). Does not
belong here: what is in a package (``letters``), a figure or a rule for one (rooms to the left). A
package is a folder whose ``SHA256SUMS`` covers every file; which formats it holds makes no
difference.
"""
