<?php
// Checks the Portal-Identity header: PHP 8.0 and newer with the openssl extension.  No other dependency.
//
//     $kit = new VerifyKit("https://signin.example.gov.vn", "khanhhoa", json_decode(file_get_contents("jwks.json"), true));
//     $person = $kit->verified(portal_identity_fields(), time());   // throws Refused: answer 401
//
// Everything that is not said to be right is wrong; the message of Refused is one fixed word, fit for a log.

final class Refused extends Exception {}

// The values of all such fields.  PHP joins two fields of one name with ", ", which is then no assertion; and it makes
// HTTP_PORTAL_IDENTITY of "Portal_Identity" as well: let the web server drop names with underscores (nginx does).
function portal_identity_fields(): array
{
    return isset($_SERVER['HTTP_PORTAL_IDENTITY']) ? [$_SERVER['HTTP_PORTAL_IDENTITY']] : [];
}

final class VerifyKit
{
    private const TYP = 'portal-identity+jwt';
    private const LONGEST = 8192;      // letters of a header
    private const LONGEST_LIFE = 300;  // seconds between iat and exp

    private array $keys = [];

    public function __construct(
        private string $issuer,
        private string $audience,
        array $jwks,
        private int $leeway = 30,
    ) {
        foreach ($jwks['keys'] as $key) {
            if (($key['kty'] ?? '') === 'EC' && ($key['crv'] ?? '') === 'P-256' && isset($key['kid'])) {
                $this->keys['=' . $key['kid']] = self::pem($key['x'], $key['y']);
            }
        }
    }

    public function verified(array $values, int $now): array
    {
        if (count($values) !== 1) {
            throw new Refused($values ? 'several' : 'missing');
        }
        $value = array_values($values)[0];
        if (strlen($value) > self::LONGEST) {
            throw new Refused('size');
        }
        if (!preg_match('/\A([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})\z/', $value, $parts)) {
            throw new Refused('form');
        }
        $header = self::object(self::octets($parts[1]));
        if (($header['alg'] ?? null) !== 'ES256') {
            throw new Refused('alg');
        }
        if (($header['typ'] ?? null) !== self::TYP) {
            throw new Refused('typ');
        }
        if (count($header) !== 3 || !array_key_exists('kid', $header)) {
            throw new Refused('header');
        }
        $key = is_string($header['kid']) ? ($this->keys['=' . $header['kid']] ?? null) : null;
        if ($key === null) {
            throw new Refused('kid');
        }
        $der = self::der(self::octets($parts[3]));
        if (openssl_verify("$parts[1].$parts[2]", $der, $key, OPENSSL_ALGO_SHA256) !== 1) {
            throw new Refused('signature');
        }
        $claims = self::object(self::octets($parts[2]));
        $this->judge($claims, $now);
        return $claims;
    }

    private function judge(array $claims, int $now): void
    {
        if (($claims['iss'] ?? null) !== $this->issuer) {
            throw new Refused('iss');
        }
        if (($claims['aud'] ?? null) !== $this->audience) {
            throw new Refused('aud');
        }
        foreach (['sub', 'jti'] as $name) {
            if (!is_string($claims[$name] ?? null) || $claims[$name] === '') {
                throw new Refused($name);
            }
        }
        foreach (['iat', 'exp'] as $name) {
            if (!is_int($claims[$name] ?? null) || $claims[$name] <= 0) {
                throw new Refused($name);
            }
        }
        if ($claims['iat'] > $now + $this->leeway) {
            throw new Refused('iat');
        }
        $life = $claims['exp'] - $claims['iat'];
        if ($claims['exp'] <= $now - $this->leeway || $life <= 0 || $life > self::LONGEST_LIFE) {
            throw new Refused('exp');
        }
    }

    private static function octets(string $text): string
    {
        $octets = base64_decode(strtr($text, '-_', '+/'), true);
        if ($octets === false || rtrim(strtr(base64_encode($octets), '+/', '-_'), '=') !== $text) {
            throw new Refused('form');  // one spelling for one value
        }
        return $octets;
    }

    private static function object(string $octets): array
    {
        $value = json_decode($octets, false, 32);
        if (!is_object($value) || self::repeats($octets)) {
            throw new Refused('json');
        }
        return json_decode($octets, true, 32);
    }

    // Whether some object in a well-formed text has a member twice, of which json_decode would take the last.
    private static function repeats(string $text): bool
    {
        preg_match_all('/"(?:[^"\\\\]|\\\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+/', $text, $found);
        $open = [];
        foreach ($found[0] as $i => $token) {
            if ($token === '{' || $token === '[') {
                $open[] = [];
            } elseif ($token === '}' || $token === ']') {
                array_pop($open);
            } elseif (($found[0][$i + 1] ?? '') === ':') {
                $name = '=' . json_decode($token);
                if (isset($open[count($open) - 1][$name])) {
                    return true;
                }
                $open[count($open) - 1][$name] = true;
            }
        }
        return false;
    }

    // r and s as ASN.1 (RFC 3279 §2.2.3), which is how OpenSSL wants them.
    private static function der(string $raw): string
    {
        $numbers = '';
        foreach (str_split($raw, 32) as $half) {
            $half = ltrim($half, "\0");
            if ($half === '' || ord($half[0]) > 127) {
                $half = "\0" . $half;
            }
            $numbers .= "\x02" . chr(strlen($half)) . $half;
        }
        return "\x30" . chr(strlen($numbers)) . $numbers;
    }

    // A point of P-256 as a public key (RFC 5480 §2).
    private static function pem(string $x, string $y): string
    {
        $der = hex2bin('3059301306072a8648ce3d020106082a8648ce3d03010703420004') . self::octets($x) . self::octets($y);
        return "-----BEGIN PUBLIC KEY-----\n" . chunk_split(base64_encode($der), 64, "\n") . "-----END PUBLIC KEY-----\n";
    }
}
