"""Counters of rate-limited attempts."""

from django.db import models


class AttemptCounter(models.Model):
    """Count the attempts on one subject, a mailbox or a client address, within the current window.

    `services.throttling` is the only writer. The subject is stored as a keyed digest. The table is
    unlogged: an increment is not flushed to disk, and a crash of the server resets the counters.
    """

    pk = models.CompositePrimaryKey("scope", "digest")
    scope = models.CharField(max_length=64)
    digest = models.BinaryField(max_length=32)
    attempts = models.PositiveIntegerField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.scope} {bytes(self.digest).hex()[:12]}"
