"""Sessions: only those ended before their time; the others are Stytch's to keep."""

from django.db import models


class RevokedSession(models.Model):
    """A session ended before its tokens did; kept until the last of them has run out."""

    session_id = models.CharField(max_length=128, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.session_id
