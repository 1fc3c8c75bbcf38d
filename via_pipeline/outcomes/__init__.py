"""What happened in each pilot: counts, shares and means, with how many they rest on.

Belongs here: measures as data (``measures/<source>.yaml``), the SQL they make, the long tables.
Does not belong here: estimates by a site's design (they come beside these tables, and only they may
carry a claim stronger than descriptive), hiding small counts (``disclosure``).
"""
