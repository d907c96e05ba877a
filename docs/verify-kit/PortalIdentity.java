// Checks the Portal-Identity header: Java 11 and newer, no dependency.
//
//     PortalIdentity kit = new PortalIdentity("https://signin.example.gov.vn", "khanhhoa", jwksText);
//     Map<String, Object> person = kit.verified(Collections.list(request.getHeaders("Portal-Identity")), now);
//
// throws Refused, whose message is one fixed word, fit for a log: answer 401.  Everything that is not said to be right
// is wrong.  Numbers come as Long or Double, texts as String, lists as List, objects as Map.

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public final class PortalIdentity {
    public static final class Refused extends Exception {
        Refused(String reason) {
            super(reason);
        }
    }

    private static final String TYP = "portal-identity+jwt";
    private static final int LONGEST = 8192;
    private static final int LONGEST_LIFE = 300;
    private static final Pattern COMPACT =
        Pattern.compile("([A-Za-z0-9_-]+)\\.([A-Za-z0-9_-]+)\\.([A-Za-z0-9_-]{86})");

    private final String issuer;
    private final String audience;
    private final long leeway = 30;
    private final Map<String, PublicKey> keys = new HashMap<>();

    public PortalIdentity(String issuer, String audience, String jwks) throws GeneralSecurityException, Refused {
        this.issuer = issuer;
        this.audience = audience;
        AlgorithmParameters curve = AlgorithmParameters.getInstance("EC");
        curve.init(new ECGenParameterSpec("secp256r1"));
        ECParameterSpec p256 = curve.getParameterSpec(ECParameterSpec.class);
        for (Object entry : (List<?>) object(jwks.getBytes(StandardCharsets.UTF_8)).get("keys")) {
            Map<?, ?> key = (Map<?, ?>) entry;
            if ("EC".equals(key.get("kty")) && "P-256".equals(key.get("crv")) && key.get("kid") instanceof String) {
                ECPoint point = new ECPoint(
                    new BigInteger(1, octets((String) key.get("x"))), new BigInteger(1, octets((String) key.get("y"))));
                PublicKey made = KeyFactory.getInstance("EC").generatePublic(new ECPublicKeySpec(point, p256));
                keys.put((String) key.get("kid"), made);
            }
        }
    }

    public Map<String, Object> verified(List<String> values, long now) throws Refused {
        if (values.size() != 1) {
            throw new Refused(values.isEmpty() ? "missing" : "several");
        }
        if (values.get(0).length() > LONGEST) {
            throw new Refused("size");
        }
        Matcher parts = COMPACT.matcher(values.get(0));
        if (!parts.matches()) {
            throw new Refused("form");
        }
        Map<String, Object> header = object(octets(parts.group(1)));
        if (!"ES256".equals(header.get("alg"))) {
            throw new Refused("alg");
        }
        if (!TYP.equals(header.get("typ"))) {
            throw new Refused("typ");
        }
        if (!header.keySet().equals(Set.of("alg", "typ", "kid"))) {
            throw new Refused("header");
        }
        PublicKey key = header.get("kid") instanceof String ? keys.get(header.get("kid")) : null;
        if (key == null) {
            throw new Refused("kid");
        }
        String signed = parts.group(1) + "." + parts.group(2);
        if (!signatureFits(key, signed, octets(parts.group(3)))) {
            throw new Refused("signature");
        }
        Map<String, Object> claims = object(octets(parts.group(2)));
        judge(claims, now);
        return claims;
    }

    private void judge(Map<String, Object> claims, long now) throws Refused {
        if (!issuer.equals(claims.get("iss"))) {
            throw new Refused("iss");
        }
        if (!audience.equals(claims.get("aud"))) {
            throw new Refused("aud");
        }
        for (String name : List.of("sub", "jti")) {
            if (!(claims.get(name) instanceof String) || ((String) claims.get(name)).isEmpty()) {
                throw new Refused(name);
            }
        }
        for (String name : List.of("iat", "exp")) {
            if (!(claims.get(name) instanceof Long) || (Long) claims.get(name) <= 0) {
                throw new Refused(name);
            }
        }
        long issued = (Long) claims.get("iat");
        long ends = (Long) claims.get("exp");
        if (issued > now + leeway) {
            throw new Refused("iat");
        }
        if (ends <= now - leeway || ends - issued <= 0 || ends - issued > LONGEST_LIFE) {
            throw new Refused("exp");
        }
    }

    private static boolean signatureFits(PublicKey key, String signed, byte[] signature) {
        boolean empty = true; // CVE-2022-21449: some versions took r = s = 0 for a signature of everything
        for (byte octet : signature) {
            empty = empty && octet == 0;
        }
        try {
            Signature ecdsa = Signature.getInstance("SHA256withECDSAinP1363Format");
            ecdsa.initVerify(key);
            ecdsa.update(signed.getBytes(StandardCharsets.US_ASCII));
            return !empty && ecdsa.verify(signature);
        } catch (GeneralSecurityException error) {
            return false;
        }
    }

    private static byte[] octets(String text) throws Refused {
        try {
            byte[] found = Base64.getUrlDecoder().decode(text);
            if (Base64.getUrlEncoder().withoutPadding().encodeToString(found).equals(text)) {
                return found; // one spelling for one value
            }
        } catch (IllegalArgumentException error) {
            // refused below
        }
        throw new Refused("form");
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> object(byte[] octets) throws Refused {
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(octets)).toString();
            Json json = new Json(text);
            Object value = json.value(0);
            if (value instanceof Map && json.ended()) {
                return (Map<String, Object>) value;
            }
        } catch (CharacterCodingException | IllegalArgumentException error) {
            // refused below
        }
        throw new Refused("json");
    }

    /** RFC 8259, without a member twice and without depth. */
    private static final class Json {
        private static final Pattern TOKEN = Pattern.compile(
            "\\s*(?:(\"(?:[^\"\\\\\\x00-\\x1f]|\\\\(?:[\"\\\\/bfnrt]|u[0-9A-Fa-f]{4}))*\")"
                + "|(-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)|(true|false|null)|([\\[\\]{}:,]))");
        private final Matcher tokens;
        private final String text;
        private int at = 0;

        Json(String text) {
            this.text = text;
            this.tokens = TOKEN.matcher(text);
        }

        boolean ended() {
            return text.substring(at).isBlank();
        }

        private String next() {
            if (!tokens.find(at) || tokens.start() != at) {
                throw new IllegalArgumentException("no JSON");
            }
            at = tokens.end();
            return tokens.group().strip();
        }

        Object value(int depth) {
            String token = next();
            if (depth > 16) {
                throw new IllegalArgumentException("too deep");
            }
            if (token.equals("{")) {
                return members(depth);
            }
            if (token.equals("[")) {
                return items(depth);
            }
            return scalar(token);
        }

        private Object scalar(String token) {
            if (token.startsWith("\"")) {
                return string(token);
            }
            if (token.equals("true") || token.equals("false")) {
                return token.equals("true");
            }
            if (token.equals("null")) {
                return null;
            }
            if (token.matches("-?[0-9]+")) {
                return Long.valueOf(token);
            }
            return Double.valueOf(token);
        }

        private Map<String, Object> members(int depth) {
            Map<String, Object> found = new LinkedHashMap<>();
            String token = next();
            while (!token.equals("}") || !found.isEmpty()) {
                if (!token.startsWith("\"") || found.containsKey(string(token)) || !next().equals(":")) {
                    throw new IllegalArgumentException("no object");
                }
                found.put(string(token), value(depth + 1));
                token = next();
                if (token.equals("}")) {
                    break;
                }
                if (!token.equals(",")) {
                    throw new IllegalArgumentException("no object");
                }
                token = next();
            }
            return found;
        }

        private List<Object> items(int depth) {
            List<Object> found = new ArrayList<>();
            int before = at;
            if (next().equals("]")) {
                return found;
            }
            at = before;
            while (true) {
                found.add(value(depth + 1));
                String token = next();
                if (token.equals("]")) {
                    return found;
                }
                if (!token.equals(",")) {
                    throw new IllegalArgumentException("no list");
                }
            }
        }

        private static String string(String token) {
            StringBuilder found = new StringBuilder();
            for (int i = 1; i < token.length() - 1; i++) {
                char letter = token.charAt(i);
                if (letter != '\\') {
                    found.append(letter);
                    continue;
                }
                letter = token.charAt(++i);
                int plain = "bfnrt".indexOf(letter);
                if (letter == 'u') {
                    found.append((char) Integer.parseInt(token.substring(i + 1, i + 5), 16));
                    i += 4;
                } else {
                    found.append(plain < 0 ? letter : "\b\f\n\r\t".charAt(plain));
                }
            }
            return found.toString();
        }
    }
}
