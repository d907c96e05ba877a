// Checks the Portal-Identity header: for nginx njs (0.7.9 and newer) and Node (16 and newer).  No dependency.
//
//     const kit = portal.verifyKit({ issuer: "https://signin.example.gov.vn", audience: "khanhhoa", keys: jwks });
//     const person = await kit.verified(values, now);      // values: of all Portal-Identity fields
//
// throws an error whose `reason` is one fixed word, fit for a log: answer 401.  Everything that is not said to be right
// is wrong.  Written without classes, which njs does not know.

const TYP = "portal-identity+jwt";
const LONGEST = 8192; // letters of a header
const LONGEST_LIFE = 300; // seconds between iat and exp
const SPKI_P256 = "3059301306072a8648ce3d020106082a8648ce3d03010703420004"; // then x and y (RFC 5480 §2)
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})$/;
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+/g;
const ECDSA = { name: "ECDSA", hash: "SHA-256" };
const P256 = { name: "ECDSA", namedCurve: "P-256" };

function refused(reason) {
    const error = new Error(reason);
    error.reason = reason;
    return error;
}

function verifyKit(options) {
    const leeway = options.leeway === undefined ? 30 : options.leeway;
    const keys = options.keys.keys.filter((key) => key.kty === "EC" && key.crv === "P-256");
    const imported = {};

    async function keyOf(kid) {
        const found = keys.filter((key) => typeof kid === "string" && key.kid === kid);
        if (found.length !== 1) throw refused("kid");
        if (imported[kid] === undefined) {
            const point = Buffer.concat([Buffer.from(SPKI_P256, "hex"), octets(found[0].x), octets(found[0].y)]);
            imported[kid] = await crypto.subtle.importKey("spki", point, P256, false, ["verify"]);
        }
        return imported[kid];
    }

    function judge(claims, now) {
        if (claims.iss !== options.issuer) throw refused("iss");
        if (claims.aud !== options.audience) throw refused("aud");
        ["sub", "jti"].forEach((name) => {
            if (typeof claims[name] !== "string" || claims[name] === "") throw refused(name);
        });
        ["iat", "exp"].forEach((name) => {
            if (!Number.isSafeInteger(claims[name]) || claims[name] <= 0) throw refused(name);
        });
        if (claims.iat > now + leeway) throw refused("iat");
        const life = claims.exp - claims.iat;
        if (claims.exp <= now - leeway || life <= 0 || life > LONGEST_LIFE) throw refused("exp");
    }

    async function verified(values, now) {
        if (values.length !== 1) throw refused(values.length ? "several" : "missing");
        if (values[0].length > LONGEST) throw refused("size");
        const parts = COMPACT.exec(values[0]);
        if (parts === null || values[0].indexOf("\n") >= 0) throw refused("form");
        const header = object(octets(parts[1]));
        if (header.alg !== "ES256") throw refused("alg");
        if (header.typ !== TYP) throw refused("typ");
        if (Object.keys(header).sort().join() !== "alg,kid,typ") throw refused("header");
        const key = await keyOf(header.kid);
        const signature = octets(parts[3]);
        const good = await crypto.subtle.verify(ECDSA, key, signature, Buffer.from(parts[1] + "." + parts[2]));
        if (good !== true) throw refused("signature");
        const claims = object(octets(parts[2]));
        judge(claims, now);
        return claims;
    }

    return { verified: verified };
}

function octets(text) {
    const found = Buffer.from(text, "base64url");
    if (found.toString("base64url") !== text) throw refused("form"); // one spelling for one value
    return found;
}

function object(buffer) {
    const text = buffer.toString("utf8");
    let value;
    try {
        value = JSON.parse(text);
    } catch (error) {
        throw refused("json");
    }
    if (typeof value !== "object" || value === null || Array.isArray(value) || repeats(text)) throw refused("json");
    return value;
}

// Whether some object in a well-formed text has a member twice, of which JSON.parse would take the last.
function repeats(text) {
    const open = [];
    const tokens = text.match(TOKEN) || [];
    for (let i = 0; i < tokens.length; i += 1) {
        if (tokens[i] === "{" || tokens[i] === "[") {
            open.push({});
        } else if (tokens[i] === "}" || tokens[i] === "]") {
            open.pop();
        } else if (tokens[i + 1] === ":") {
            const name = "=" + JSON.parse(tokens[i]);
            if (open[open.length - 1][name]) return true;
            open[open.length - 1][name] = true;
        }
    }
    return false;
}

// In nginx, as the subrequest of auth_request: 200 with what the application behind is told, or 401.  The variables are
// set by `js_var` or `set`; $portal_keys names a file with the JWK Set.
let kit;

async function check(request) {
    try {
        if (kit === undefined) {
            const set = request.variables;
            const keys = JSON.parse(require("fs").readFileSync(set.portal_keys));
            kit = verifyKit({ issuer: set.portal_issuer, audience: set.portal_audience, keys: keys });
        }
        const fields = request.rawHeadersIn.filter((field) => field[0].toLowerCase() === "portal-identity");
        const claims = await kit.verified(fields.map((field) => field[1]), Math.floor(Date.now() / 1000));
        request.headersOut["Portal-Sub"] = claims.sub;
        request.headersOut["Portal-Acr"] = claims.acr;
        request.return(200);
    } catch (error) {
        request.error("Portal-Identity refused: " + (error.reason || "broken"));
        request.return(401);
    }
}

export default { verifyKit, check };
