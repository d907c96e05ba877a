// oidc-provider with Redis, as a process to be measured: node oidc_provider.mjs PORT SOCKET ES256|RS256
// It signs everybody in at once: its own dialog is the peer of our upstream's leg, and costs one request.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import Redis from "ioredis";
import Provider from "oidc-provider";

const [port, socket, algorithm] = process.argv.slice(2);
const redis = new Redis(socket, { keyPrefix: "oidc:" });
const grantable = new Set(["AccessToken", "AuthorizationCode", "RefreshToken", "DeviceCode", "BackchannelAuthenticationRequest"]);

class RedisAdapter {
  constructor(name) { this.name = name; }
  key(id) { return `${this.name}:${id}`; }
  async upsert(id, payload, expiresIn) {
    const multi = redis.multi();
    multi.set(this.key(id), JSON.stringify(payload), "EX", expiresIn);
    if (grantable.has(this.name) && payload.grantId) {
      multi.rpush(`grant:${payload.grantId}`, this.key(id));
      multi.expire(`grant:${payload.grantId}`, expiresIn);
    }
    if (payload.uid) multi.set(`uid:${payload.uid}`, id, "EX", expiresIn);
    await multi.exec();
  }
  async find(id) {
    const found = await redis.get(this.key(id));
    return found ? JSON.parse(found) : undefined;
  }
  async findByUid(uid) {
    const id = await redis.get(`uid:${uid}`);
    return id ? this.find(id) : undefined;
  }
  async consume(id) {
    const found = await this.find(id);
    if (found) await redis.set(this.key(id), JSON.stringify({ ...found, consumed: Math.floor(Date.now() / 1000) }), "KEEPTTL");
  }
  async destroy(id) { await redis.del(this.key(id)); }
  async revokeByGrantId(grantId) {
    const keys = await redis.lrange(`grant:${grantId}`, 0, -1);
    if (keys.length) await redis.del(...keys);
    await redis.del(`grant:${grantId}`);
  }
}

const pair = algorithm === "RS256"
  ? generateKeyPairSync("rsa", { modulusLength: 2048 })
  : generateKeyPairSync("ec", { namedCurve: "P-256" });
const provider = new Provider(`http://localhost:${port}`, {
  adapter: RedisAdapter,
  clients: [{
    client_id: "alpha", client_secret: "s".repeat(43), redirect_uris: ["https://alpha.example/cb"],
    id_token_signed_response_alg: algorithm, subject_type: "pairwise", sector_identifier_uri: undefined,
  }],
  subjectTypes: ["pairwise"],
  pairwiseIdentifier: (ctx, account, client) => `${client.clientId}-${account}`,
  jwks: { keys: [{ ...pair.privateKey.export({ format: "jwk" }), use: "sig", alg: algorithm }] },
  cookies: { keys: ["bench"] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  ttl: { Grant: 28800, Session: 28800, Interaction: 600, AccessToken: 300, AuthorizationCode: 30, IdToken: 300 },
});

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith("/interaction/")) return next();
  const details = await provider.interactionDetails(ctx.req, ctx.res);
  const grant = new provider.Grant({ accountId: "somebody", clientId: details.params.client_id });
  grant.addOIDCScope(details.params.scope);
  const result = { login: { accountId: "somebody-" + randomUUID() }, consent: {} };
  grant.accountId = result.login.accountId;
  result.consent.grantId = await grant.save();
  ctx.respond = false;
  return provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
});
provider.listen(Number(port), "127.0.0.1");
