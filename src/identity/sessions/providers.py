"""Sign in with a provider such as Google, or with an organization's own identity provider.

Neither proves an address here: `directories.types.Proof` says why.
"""

from identity import directories
from identity.errors import translate_sign_in
from identity.sessions import sign_in
from identity.sessions.sign_in import Discovery, Session
from identity.sign_in_errors import translate_joining
from kit import redirects


def start_oauth(*, provider: str, redirect_url: str, code_challenge: str) -> str:
    """Return where a browser starts to sign in with a provider.

    Raises RedirectNotAllowed.
    """
    redirects.require_allowed("?redirect_url", redirect_url)
    return directories.get_directory().build_oauth_url(
        provider=provider, redirect_url=redirect_url, code_challenge=code_challenge
    )


def start_sso(*, connection_id: str, redirect_url: str, code_challenge: str) -> str:
    """Return where a browser starts to sign in with an organization's own provider.

    Raises RedirectNotAllowed.
    """
    redirects.require_allowed("?redirect_url", redirect_url)
    return directories.get_directory().build_sso_url(
        connection_id=connection_id, redirect_url=redirect_url, code_challenge=code_challenge
    )


def discover_by_oauth(*, token: str, code_verifier: str) -> Discovery:
    """Spend the token of a provider's sign-in. Raises InvalidSignIn."""
    with translate_sign_in():
        found = directories.get_directory().authenticate_oauth_token(
            token=token, code_verifier=code_verifier
        )
    return sign_in.build_discovery(found)


def sign_in_by_sso(*, token: str, code_verifier: str) -> Session:
    """Spend the token of an organization's own provider, and create a session there.

    Raises InvalidSignIn, JoiningNotAllowed, AnotherFactorRequired and MfaRequired.
    """
    with translate_sign_in(), translate_joining():
        result = directories.get_directory().authenticate_sso_token(
            token=token, code_verifier=code_verifier
        )
    return sign_in.record_sign_in(result)
