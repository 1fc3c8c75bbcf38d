"""Settings of the throw-away Superset of `make superset`: local, no outside requests, a new key."""

import os
import secrets

SECRET_KEY = secrets.token_hex(32)
SQLALCHEMY_DATABASE_URI = f"sqlite:///{os.environ['SUPERSET_HOME']}/superset.db"
TALISMAN_ENABLED = False
CONTENT_SECURITY_POLICY_WARNING = False
