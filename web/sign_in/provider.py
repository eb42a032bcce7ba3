"""OpenID Connect: the hospital's provider says who somebody is, by the code flow with PKCE; params.yaml, their role.

The provider is named by the environment: DERMAI_OIDC_ISSUER, DERMAI_OIDC_CLIENT_ID and DERMAI_OIDC_CLIENT_SECRET.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from dermai.config.parameters import ProviderParams
from dermai.errors import DermaiError, ServiceUnavailable
from dermai.language.messages import message
from web.accounts.roles import Role
from web.frame.service import LOOPBACK

ISSUER, CLIENT, SECRET = "DERMAI_OIDC_ISSUER", "DERMAI_OIDC_CLIENT_ID", "DERMAI_OIDC_CLIENT_SECRET"
SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")  # public keys alone
SECONDS = 10  # for an answer of the provider
CLOCKS_DIFFER = 60  # seconds


class ProviderRefused(DermaiError):
    """The provider, or what it says, lets nobody in."""


@dataclass(frozen=True)
class Begun:
    """A sign-in that the provider was asked for: what its answer has to fit. It lies in the visitor's own cookie."""

    state: str
    nonce: str
    verifier: str
    next: str

    def to_cookie(self) -> dict[str, str]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Person:
    """Whom the provider vouches for, and what they are here."""

    subject: str
    name: str
    person: str
    role: Role
    site: str


@dataclass(frozen=True)
class Provider:
    """A provider and this service's registration with it."""

    issuer: str
    client: str
    secret: str

    def begin(self, redirect: str, next: str) -> tuple[str, Begun]:
        """Where to send the visitor, and what to remember of it.

        Raises:
            ServiceUnavailable: the provider does not answer.
        """
        begun = Begun(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), next)
        with self._client(redirect) as client:
            address, _ = client.create_authorization_url(
                self._about("authorization_endpoint"),
                state=begun.state,
                nonce=begun.nonce,
                code_verifier=begun.verifier,
            )
        return str(address), begun

    def claims(self, begun: Begun, code: str, redirect: str) -> Mapping[str, Any]:
        """What the provider says of the visitor, after its signature, issuer, audience, time and nonce were checked.

        Raises:
            ProviderRefused: the code is not good, or a check fails.
            ServiceUnavailable: the provider does not answer.
        """
        try:
            with self._client(redirect) as client:
                token = client.fetch_token(
                    self._about("token_endpoint"),
                    code=code,
                    code_verifier=begun.verifier,
                    grant_type="authorization_code",
                )
            signed = jwt.decode(token["id_token"], self._keys(), algorithms=list(SIGNED_BY))
            claims = CodeIDToken(
                signed.claims,
                signed.header,
                options={
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self.client},
                },
                params={"nonce": begun.nonce, "client_id": self.client, "access_token": token.get("access_token")},
            )
            claims.validate(leeway=CLOCKS_DIFFER)
        except httpx.HTTPError as error:
            raise self._silent(error) from None
        except (AuthlibBaseError, JoseError, KeyError, ValueError) as error:
            said = message("The provider's answer was not taken (%(why)s). Try once more.", why=error)
            raise ProviderRefused(said) from None
        return dict(claims)

    def _about(self, what: str) -> str:
        try:
            found = _read_json(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        except (httpx.HTTPError, ValueError) as error:
            raise self._silent(error) from None
        if found.get("issuer") != self.issuer or not isinstance(found.get(what), str):
            raise ProviderRefused(f"the provider calls itself {found.get('issuer')!r}: write that into {ISSUER}")
        return check_address(found[what])

    def _keys(self) -> KeySet:
        return KeySet.import_key_set(_read_json(self._about("jwks_uri")))  # type: ignore[arg-type]

    def _client(self, redirect: str) -> OAuth2Client:
        return OAuth2Client(
            self.client,
            self.secret,
            scope="openid profile email",
            redirect_uri=redirect,
            code_challenge_method="S256",
            timeout=SECONDS,
        )

    def _silent(self, error: Exception) -> ServiceUnavailable:
        return ServiceUnavailable(
            message(
                "The hospital's sign-in %(name)s does not answer (%(why)s): "
                "try again later, or sign in with a password of this service.",
                name=urlsplit(self.issuer).hostname,
                why=type(error).__name__,
            )
        )


def configured_provider() -> Provider | None:
    """The provider that the environment names; None where it names none.

    Raises:
        DermaiError: only a part of it is named, or its address is not protected by TLS.
    """
    values = [os.environ.get(name, "") for name in (ISSUER, CLIENT, SECRET)]
    if not any(values):
        return None
    if not all(values):
        raise DermaiError(f"{ISSUER}, {CLIENT} and {SECRET} belong together: one of them is empty")
    return Provider(check_address(values[0]), values[1], values[2])


def person_from(claims: Mapping[str, Any], params: ProviderParams) -> Person:
    """Who that is here. The first role of params.yaml that one of their claims stands for counts.

    Raises:
        ProviderRefused: none of their claims stands for a role, or a practice comes without its site.
    """
    said = claims.get(params.role_claim, [])
    held = {said} if isinstance(said, str) else set(map(str, said)) if isinstance(said, list) else set()
    roles = [role for value, role in params.roles.items() if value in held]
    name = str(claims.get("preferred_username") or claims.get("email") or claims["sub"])
    if not roles:
        raise ProviderRefused(
            message(
                "%(name)s is known to the hospital's sign-in, but has no role here: what it says under "
                "%(claim)s stands for none in params.yaml (web.provider.roles).",
                name=name,
                claim=repr(params.role_claim),
            )
        )
    role = Role(roles[0])
    site = str(claims.get(params.site_claim, "")) if role is Role.PRACTICE and params.site_claim else ""
    if role is Role.PRACTICE and not site:
        raise ProviderRefused(
            message(
                "%(name)s is a practice, and the hospital's sign-in does not say which one (web.provider.site_claim).",
                name=name,
            )
        )
    return Person(f"{claims['iss']} {claims['sub']}", name, str(claims.get("name") or name), role, site)


def check_address(address: str) -> str:
    """An address of the provider; TLS protects it, but on this machine.

    Raises:
        DermaiError: it does not.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise DermaiError(f"{ISSUER}: {address} is not protected by TLS: https://...")
    return address


def _read_json(address: str) -> dict[str, Any]:
    """Asked for at each sign-in: those are rare, and a provider's new keys count at once."""
    answer = httpx.get(check_address(address), timeout=SECONDS)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
