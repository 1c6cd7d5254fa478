"""Identity as a Django app, with people, members, invitations, sessions and the directory."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    """Owns `User`, the model behind `settings.AUTH_USER_MODEL`."""

    name = "identity"
