"""What each partner promises to send, as data, and the model that reads it.

Belongs here: the ODCS 3.1 contracts (``sources/``), the code lists with their validity
(``codelists/``), the model over them and the rules that follow from them. Does not belong here:
reading a partner's file, or running a rule.
"""
