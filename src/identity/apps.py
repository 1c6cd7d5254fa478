"""Identity as a Django app: people, members, invitations, sessions, and the door to Stytch."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    """Owns `User`, the model behind `settings.AUTH_USER_MODEL`."""

    name = "identity"
