"""What a province's engineer copies into the configuration of their side: finished, with their own addresses in it.

Pure text.  No secret is ever in it: each names the place where theirs is read from.  Letters that could end a quoted
text are in no value: `sso.clients` lets neither quotation marks nor backslashes nor blanks into ids and addresses.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from redirect_rules.enrolment import Record

_LEVEL = "urn:dvc-edge:level:"


@dataclass(frozen=True, slots=True)
class Snippet:
    """One piece."""

    key: str  # its heading is `snippet.KEY`
    language: str  # "js"
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a portal of the client is reached, for proxies that ask."""

    host: str
    path: str = "/nop-ho-so"


def snippets(record: Record, issuer: str, places: Sequence[Place] = ()) -> list[Snippet]:
    """Everything that helps a client which speaks as its record says."""
    formats = record.get("formats", ["oidc"])
    found: list[Snippet] = []
    if "oidc" in formats:
        found += _oidc(record, issuer)
    if "header" in formats:
        found += _header(record, issuer)
    if "forward-auth" in formats:
        found += _forward_auth(record, places)
    if "ticket" in formats:
        found += _ticket(record, issuer)
    return found


def _oidc(record: Record, issuer: str) -> Iterator[Snippet]:
    authentication = record.get("authentication", "client_secret_basic")
    yield Snippet("values", "text", _values(record, issuer))
    yield Snippet("node", "js", _node(record, issuer))
    if authentication in {"client_secret_basic", "client_secret_post"}:
        yield Snippet("apache", "apache", _apache(record, issuer))
        yield Snippet("php", "php", _php(record, issuer))


def _scope(record: Record) -> str:
    words = {
        "profile": {"name", "birthdate"},
        "email": {"email"},
        "phone": {"phone_number"},
        "address": {"address"},
        "citizen": {"citizen_id", "old_id_number", "passport_number"},
        "organisation": {"organisation_name", "tax_code", "enterprise_code"},
    }
    allowed = set(record.get("attributes", ()))
    asked = ["openid", *(scope for scope, claims in words.items() if claims & allowed)]
    return " ".join([*asked, *(["offline_access"] if record.get("refresh_tokens") else [])])


def _first(record: Record, key: str) -> str:
    return str(next(iter(record.get(key, ())), f"https://{record['id']}.example/callback"))


def _values(record: Record, issuer: str) -> str:
    lines = [
        ("issuer", issuer),
        ("discovery", f"{issuer}/.well-known/openid-configuration"),
        ("client_id", record["id"]),
        ("scope", _scope(record)),
        ("token_endpoint_auth_method", record.get("authentication", "client_secret_basic")),
        ("id_token_signed_response_alg", record.get("signing_algorithm", "ES256")),
        ("code_challenge_method", "S256"),
        *(("redirect_uri", uri) for uri in record.get("redirect_uris", ())),
        *(("post_logout_redirect_uri", uri) for uri in record.get("post_logout_redirect_uris", ())),
        *(
            (key, str(record[key]))
            for key in ("backchannel_logout_uri", "frontchannel_logout_uri")
            if record.get(key) is not None
        ),
        ("acr_values", f"{_LEVEL}{record.get('level', 2)}"),
    ]
    width = max(len(name) for name, _ in lines)
    return "".join(f"{name:{width}}  {value}\n" for name, value in lines)


_NODE_PROOF = {
    "client_secret_basic": "client.ClientSecretBasic(process.env.SECRET)",
    "client_secret_post": "client.ClientSecretPost(process.env.SECRET)",
    "private_key_jwt": "client.PrivateKeyJwt(privateKey /* a CryptoKey: crypto.subtle.importKey(…) */)",
    "none": "client.None()",
}


def _node(record: Record, issuer: str) -> str:
    proof = _NODE_PROOF[record.get("authentication", "client_secret_basic")]
    algorithm = record.get("signing_algorithm", "ES256")
    return f"""\
import * as client from "openid-client"; // npm install openid-client

const config = await client.discovery(new URL({json.dumps(issuer)}), {json.dumps(record["id"])},
  {{ id_token_signed_response_alg: {json.dumps(algorithm)} }},
  {proof});

// 1. send the browser away
const verifier = client.randomPKCECodeVerifier(), state = client.randomState(), nonce = client.randomNonce();
const url = client.buildAuthorizationUrl(config, {{
  redirect_uri: {json.dumps(_first(record, "redirect_uris"))},
  scope: {json.dumps(_scope(record))},
  acr_values: {json.dumps(f"{_LEVEL}{record.get('level', 2)}")},
  state, nonce, code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
}});

// 2. it comes back to redirect_uri
const tokens = await client.authorizationCodeGrant(config, currentUrl,
  {{ pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce }});
const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
"""


def _apache(record: Record, issuer: str) -> str:
    redirect = _first(record, "redirect_uris")
    lines = [
        "# a2enmod auth_openidc",
        f"OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration",
        f"OIDCClientID {record['id']}",
        f"OIDCClientSecret exec:/etc/{record['id']}/secret",
        f"OIDCProviderTokenEndpointAuth {record.get('authentication', 'client_secret_basic')}",
        "OIDCResponseType code",
        "OIDCPKCEMethod S256",
        f'OIDCScope "{_scope(record)}"',
        f"OIDCRedirectURI {redirect}",
        "OIDCCryptoPassphrase exec:/etc/apache2/passphrase",
        *(f"OIDCDefaultLoggedOutURL {uri}" for uri in list(record.get("post_logout_redirect_uris", ()))[:1]),
        "<Location />",
        "  AuthType openid-connect",
        f"  OIDCPathAuthRequestParams acr_values={_LEVEL}{record.get('level', 2)}",
        "  Require valid-user",
        "</Location>",
    ]
    return "\n".join(lines) + "\n"


def _php(record: Record, issuer: str) -> str:
    scopes = ", ".join(f"'{scope}'" for scope in _scope(record).split())
    return f"""\
<?php // composer require jumbojett/openid-connect-php
$oidc = new Jumbojett\\OpenIDConnectClient('{issuer}', '{record["id"]}', getenv('SECRET'));
$oidc->setRedirectURL('{_php_quoted(_first(record, "redirect_uris"))}');
$oidc->setCodeChallengeMethod('S256');
$oidc->setTokenEndpointAuthMethodsSupported(['{record.get("authentication", "client_secret_basic")}']);
$oidc->addScope([{scopes}]);
$oidc->addAuthParam(['acr_values' => '{_LEVEL}{record.get("level", 2)}']);
$oidc->authenticate();
$person = $oidc->requestUserInfo();
"""


def _php_quoted(text: str) -> str:
    return text.replace("'", "\\'")


def _header(record: Record, issuer: str) -> Iterator[Snippet]:
    yield Snippet(
        "header-php",
        "php",
        f"""\
<?php // portal_identity.php: docs/verify-kit
require 'portal_identity.php';
$kit = new VerifyKit('{issuer}', '{record["id"]}', json_decode(file_get_contents('jwks.json'), true));
try {{
    $person = $kit->verified(portal_identity_fields(), time());
}} catch (Refused $refused) {{
    http_response_code(401);
    exit;
}}
""",
    )
    yield Snippet(
        "header-java",
        "java",
        f"""\
// PortalIdentity.java: docs/verify-kit
PortalIdentity kit = new PortalIdentity("{issuer}", "{record["id"]}", Files.readString(Path.of("jwks.json")));
Map<String, Object> person =
    kit.verified(Collections.list(request.getHeaders("Portal-Identity")), Instant.now().getEpochSecond());
""",
    )
    yield Snippet("keys", "sh", f"curl -o jwks.json {issuer}/jwks\n")


def _forward_auth(record: Record, places: Sequence[Place]) -> Iterator[Snippet]:
    place = next(iter(places), Place(f"{record['id']}.example"))
    yield Snippet(
        "nginx",
        "nginx",
        f"""\
# in the server block of {place.host}; EDGE is where dvc-edge answers
location /_edge/ {{
    proxy_pass http://EDGE;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
}}
location = /_edge/sign-in/check {{
    internal;
    proxy_pass http://EDGE;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Original-URI $request_uri;
    proxy_set_header X-Original-Method $request_method;
    proxy_set_header X-Original-URL "";
    proxy_set_header X-Original-Host "";
    proxy_set_header X-Forwarded-Uri "";
    proxy_set_header X-Forwarded-Host "";
    proxy_set_header X-Forwarded-Method "";
    proxy_set_header X-Rewrite-Url "";
}}
location {place.path} {{
    auth_request /_edge/sign-in/check;
    auth_request_set $portal_identity $upstream_http_portal_identity;
    auth_request_set $portal_sign_in $upstream_http_portal_sign_in;
    error_page 401 = @sign_in;
    proxy_pass http://127.0.0.1:8000; # your system
    proxy_set_header Portal-Identity $portal_identity; # in place of whatever the visitor sent
}}
location @sign_in {{
    if ($request_method !~ ^(GET|HEAD)$) {{ return 401; }}
    return 303 $portal_sign_in;
}}
""",
    )


def _ticket(record: Record, issuer: str) -> Iterator[Snippet]:
    back = _first(record, "redirect_uris")
    host = urlsplit(back).hostname
    yield Snippet(
        "ticket",
        "sh",
        f"""\
# 1. on {host}: a random value in a cookie of your own, its SHA-256 in the link
{issuer}/ticket?client_id={record["id"]}&return={back}&browser=SHA256
# 2. the browser comes back with ticket=…: ask at once, it is good for 30 seconds and once
curl -u {record["id"]}:"$SECRET" -d ticket="$TICKET" --data-urlencode browser="$VALUE" {issuer}/ticket/redeem
""",
    )
