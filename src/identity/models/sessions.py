"""Sessions ended before their time.

The others are kept by Stytch alone.
"""

from django.db import models


class RevokedSession(models.Model):
    """A session ended before its tokens, kept until the last of them has expired."""

    session_id = models.CharField(max_length=128, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.session_id
