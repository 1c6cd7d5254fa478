"""Sessions ended before their time, and the public keys that session tokens are verified with."""

from django.db import models


class RevokedSession(models.Model):
    """A session ended before its tokens, kept until the last of them has expired."""

    session_id = models.CharField(max_length=128, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.session_id


class SigningKeySet(models.Model):
    """The public keys of a directory's session tokens, as it published them last.

    Only the owner role writes: a key inserted by the web role would sign any session.
    """

    directory = models.CharField(max_length=32, primary_key=True)
    keys = models.JSONField()  # JSON Web Keys, RFC 7517
    fetched_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.directory
