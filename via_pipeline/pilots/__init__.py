"""The eight pilots conformed: which deliveries count, the tables over them, the state of each.

Belongs here: choosing deliveries from the ledger, the views that later rooms read, the register's
rows as an edition may see them, reach. Does not belong here: judging rows (``quality``), what a
pilot's figures say (``outcomes``).
"""
