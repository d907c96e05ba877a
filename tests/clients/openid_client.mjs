// openid-client as a relying party would use it, told what to do line by line on standard input.
// Each line is {"do": …}; each is answered by one line: {"ok": …} or {"error": …}.
import * as readline from "node:readline";
import * as jose from "jose";
import * as client from "openid-client";

let config, flow;

const steps = {
  async discover({ issuer, id, secret, key, algorithm }) {
    const authentication = key
      ? client.PrivateKeyJwt({ key: await imported(key, "ES256", ["sign"]), kid: key.kid })
      : client.ClientSecretBasic(secret);
    const metadata = { id_token_signed_response_alg: algorithm ?? "ES256" };
    config = await client.discovery(new URL(issuer), id, metadata, authentication, {
      execute: [client.allowInsecureRequests],
    });
    return config.serverMetadata().issuer;
  },

  async begin({ parameters, dpop, push }) {
    const verifier = client.randomPKCECodeVerifier();
    flow = { verifier, state: client.randomState(), nonce: client.randomNonce() };
    if (dpop) flow.handle = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
    const all = {
      scope: "openid",
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state: flow.state,
      nonce: flow.nonce,
      ...parameters,
    };
    const url = push
      ? await client.buildAuthorizationUrlWithPAR(config, all, { DPoP: flow.handle })
      : client.buildAuthorizationUrl(config, all);
    flow.maxAge = parameters.max_age === undefined ? undefined : Number(parameters.max_age);
    return url.href;
  },

  async finish({ url }) {
    flow.tokens = await client.authorizationCodeGrant(
      config,
      new URL(url),
      {
        pkceCodeVerifier: flow.verifier,
        expectedState: flow.state,
        expectedNonce: flow.nonce,
        maxAge: flow.maxAge,
        idTokenExpected: true,
      },
      undefined,
      { DPoP: flow.handle },
    );
    flow.subject = flow.tokens.claims().sub;
    return { claims: flow.tokens.claims(), type: flow.tokens.token_type };
  },

  async userinfo() {
    return client.fetchUserInfo(config, flow.tokens.access_token, flow.subject, { DPoP: flow.handle });
  },

  async refresh() {
    flow.tokens = await client.refreshTokenGrant(config, flow.tokens.refresh_token, undefined, { DPoP: flow.handle });
    return flow.tokens.token_type;
  },

  async introspect() {
    return client.tokenIntrospection(config, flow.tokens.access_token);
  },

  async revoke() {
    await client.tokenRevocation(config, flow.tokens.refresh_token ?? flow.tokens.access_token);
    return true;
  },

  // The library leaves logout tokens to its user, who takes its metadata and the JOSE library that it is made with
  // (Back-Channel Logout §2.6).
  async heard({ token }) {
    const { issuer, jwks_uri } = config.serverMetadata();
    const { payload } = await jose.jwtVerify(token, jose.createRemoteJWKSet(new URL(jwks_uri)), {
      issuer,
      audience: config.clientMetadata().client_id,
      typ: "logout+jwt",
      requiredClaims: ["iat", "exp", "jti", "events", "sid"],
      maxTokenAge: "2 minutes",
    });
    if (!payload.events["http://schemas.openid.net/event/backchannel-logout"] || "nonce" in payload) throw new Error("no logout token");
    return payload.sid;
  },

  async leave({ parameters }) {
    return client.buildEndSessionUrl(config, { id_token_hint: flow.tokens.id_token, ...parameters }).href;
  },
};

async function imported(jwk, algorithm, uses) {
  return crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, uses);
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { do: step, ...rest } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ ok: await steps[step](rest) }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.error ?? error.code ?? String(error), description: error.cause?.message ?? error.message }));
  }
}
