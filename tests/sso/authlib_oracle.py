"""Authlib's own authorization server, as a second opinion on token requests.

It stands beside the tests alone: its grants ask for a code and delete it later, so that of many who ask at once all
get tokens; what it says of one request is what the standards say.
"""

from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientMixin,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge

METHODS = ["client_secret_basic", "client_secret_post", "none"]


@dataclass
class OracleClient(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    id: str
    secret: str
    method: str

    def get_client_id(self) -> str:
        return self.id

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.method

    def check_grant_type(self, grant_type: str) -> bool:
        return True

    def get_allowed_scope(self, scope: str) -> str:
        return scope


@dataclass
class OracleCode:
    client: str
    redirect_uri: str
    scope: str
    code_challenge: str
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass
class OracleRefresh:
    client: str
    scope: str
    client_id: str = ""

    def check_client(self, client: OracleClient) -> bool:
        return client.id == self.client

    def get_scope(self) -> str:
        return self.scope


class _Request(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    def __init__(self, form: dict[str, str], headers: dict[str, str]) -> None:
        super().__init__("POST", "https://oracle.example/token", headers=headers)
        self.payload = BasicOAuth2Payload(form)
        self._form = form

    @property
    def form(self) -> dict[str, str]:
        return self._form

    @property
    def args(self) -> dict[str, str]:
        return {}


@dataclass
class Oracle(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """What Authlib answers: (status, body)."""

    clients: dict[str, OracleClient]
    codes: dict[str, OracleCode]
    refreshes: dict[str, OracleRefresh]
    issued: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        oracle = self

        class Code(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
            TOKEN_ENDPOINT_AUTH_METHODS = METHODS

            def query_authorization_code(self, code: str, client: OracleClient) -> OracleCode | None:
                found = oracle.codes.get(code)
                return found if found is not None and found.client == client.id else None

            def delete_authorization_code(self, authorization_code: OracleCode) -> None:
                pass

            def authenticate_user(self, authorization_code: OracleCode) -> str:
                return "somebody"

        class Refresh(RefreshTokenGrant):  # type: ignore[misc]  # Authlib has no types
            TOKEN_ENDPOINT_AUTH_METHODS = METHODS
            INCLUDE_NEW_REFRESH_TOKEN = True

            def authenticate_refresh_token(self, refresh_token: str) -> OracleRefresh | None:
                return oracle.refreshes.get(refresh_token)

            def authenticate_user(self, refresh_token: OracleRefresh) -> str:
                return "somebody"

            def revoke_old_credential(self, refresh_token: OracleRefresh) -> None:
                pass

        self.register_grant(Code, [CodeChallenge(required=True)])
        self.register_grant(Refresh)
        self.register_token_generator("default", lambda **said: {"scope": said.get("scope")})

    def query_client(self, client_id: str) -> OracleClient | None:
        return self.clients.get(client_id)

    def save_token(self, token: object, request: object) -> None:
        self.issued.append(token)

    def create_oauth2_request(self, request: _Request) -> _Request:
        return request

    def handle_response(self, status: int, body: Any, headers: object) -> tuple[int, Any]:
        return status, body

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        pass

    def asked(self, form: dict[str, str], headers: dict[str, str]) -> tuple[int, Any]:
        """The answer to a token request."""
        answer: tuple[int, Any] = self.create_token_response(_Request(form, headers))
        return answer
