// Checks the Portal-Identity header: .NET 8 and newer, no package.
//
//     var kit = new PortalIdentity("https://signin.example.gov.vn", "khanhhoa", jwksText);
//     JsonElement person = kit.Verified(request.Headers["Portal-Identity"].ToArray(), DateTimeOffset.UtcNow.ToUnixTimeSeconds());
//
// throws Refused, whose message is one fixed word, fit for a log: answer 401.  Everything that is not said to be right
// is wrong.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

public sealed class Refused : Exception
{
    public Refused(string reason) : base(reason) { }
}

public sealed class PortalIdentity
{
    private const string Typ = "portal-identity+jwt";
    private const int Longest = 8192;
    private const long LongestLife = 300;
    private const long Leeway = 30;
    private static readonly Regex Compact = new(@"\A([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})\z");

    private readonly string issuer;
    private readonly string audience;
    private readonly Dictionary<string, ECDsa> keys = new();

    public PortalIdentity(string issuer, string audience, string jwks)
    {
        this.issuer = issuer;
        this.audience = audience;
        foreach (JsonElement key in Parsed(Encoding.UTF8.GetBytes(jwks)).GetProperty("keys").EnumerateArray())
        {
            if (Text(key, "kty") == "EC" && Text(key, "crv") == "P-256" && Text(key, "kid") is string kid)
            {
                var point = new ECPoint { X = Octets(Text(key, "x")!), Y = Octets(Text(key, "y")!) };
                keys.Add(kid, ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = point }));
            }
        }
    }

    public JsonElement Verified(IReadOnlyList<string> values, long now)
    {
        if (values.Count != 1) throw new Refused(values.Count == 0 ? "missing" : "several");
        if (values[0].Length > Longest) throw new Refused("size");
        Match parts = Compact.Match(values[0]);
        if (!parts.Success) throw new Refused("form");
        JsonElement header = Parsed(Octets(parts.Groups[1].Value));
        if (Text(header, "alg") != "ES256") throw new Refused("alg");
        if (Text(header, "typ") != Typ) throw new Refused("typ");
        if (header.EnumerateObject().Select(m => m.Name).Order().ToArray() is not ["alg", "kid", "typ"])
            throw new Refused("header");
        if (Text(header, "kid") is not string kid || !keys.TryGetValue(kid, out ECDsa? key)) throw new Refused("kid");
        byte[] signed = Encoding.ASCII.GetBytes($"{parts.Groups[1].Value}.{parts.Groups[2].Value}");
        if (!key.VerifyData(signed, Octets(parts.Groups[3].Value), HashAlgorithmName.SHA256))
            throw new Refused("signature"); // VerifyData takes r and s side by side, as JWS has them
        JsonElement claims = Parsed(Octets(parts.Groups[2].Value));
        Judge(claims, now);
        return claims;
    }

    private void Judge(JsonElement claims, long now)
    {
        if (Text(claims, "iss") != issuer) throw new Refused("iss");
        if (Text(claims, "aud") != audience) throw new Refused("aud");
        foreach (string name in new[] { "sub", "jti" })
            if (string.IsNullOrEmpty(Text(claims, name))) throw new Refused(name);
        long issued = Instant(claims, "iat"), ends = Instant(claims, "exp");
        if (issued > now + Leeway) throw new Refused("iat");
        if (ends <= now - Leeway || ends - issued is <= 0 or > LongestLife) throw new Refused("exp");
    }

    private static long Instant(JsonElement claims, string name)
    {
        bool known = claims.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number;
        if (!known || !value.TryGetInt64(out long instant) || instant <= 0 || !value.GetRawText().All(char.IsDigit))
            throw new Refused(name);
        return instant;
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static byte[] Octets(string text)
    {
        try
        {
            string padded = text.Replace('-', '+').Replace('_', '/') + new string('=', (4 - text.Length % 4) % 4);
            byte[] found = Convert.FromBase64String(padded);
            if (Convert.ToBase64String(found).TrimEnd('=').Replace('+', '-').Replace('/', '_') == text) return found;
        }
        catch (FormatException) { }
        throw new Refused("form"); // one spelling for one value
    }

    private static JsonElement Parsed(byte[] octets)
    {
        try
        {
            JsonElement value = JsonDocument.Parse(octets, new JsonDocumentOptions { MaxDepth = 16 }).RootElement;
            if (value.ValueKind == JsonValueKind.Object && !Repeats(value)) return value;
        }
        catch (JsonException) { }
        throw new Refused("json");
    }

    private static bool Repeats(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().GroupBy(m => m.Name).Any(g => g.Count() > 1)
            || value.EnumerateObject().Any(m => Repeats(m.Value)),
        JsonValueKind.Array => value.EnumerateArray().Any(Repeats),
        _ => false,
    };
}
