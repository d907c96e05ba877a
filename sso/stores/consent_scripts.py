"""The steps of lasting consent (see sso.stores.scripts for how keys are named).

ok:PERSON       consents of a person, by a keyed digest of the account: client → until, newline, consent
"""

from typing import Final

from sso.stores.scripts import Script, scripted

# person
READ: Final[Script] = scripted("consents", "return redis.call('HGETALL', P .. 'ok:' .. ARGV[2])", must_last=False)

# person, client, consent, until, now
AGREE: Final[Script] = scripted(
    "agree",
    """
local key, now = P .. 'ok:' .. ARGV[2], tonumber(ARGV[6])
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
  if tonumber(string.match(all[i + 1], '^%d+') or '0') <= now then redis.call('HDEL', key, all[i]) end
end
redis.call('HSET', key, ARGV[3], ARGV[5] .. '\\n' .. ARGV[4])
raise_ttl(key, tonumber(ARGV[5]) - now)
return 1
""",
)

# person, client, the person's reference
WITHDRAW: Final[Script] = scripted(
    "withdraw",
    """
local gone = redis.call('HDEL', P .. 'ok:' .. ARGV[2], ARGV[3])
for _, digest in ipairs(redis.call('ZRANGE', P .. 'u:' .. ARGV[4], 0, -1)) do
  local handle = redis.call('HGET', P .. 's:' .. digest, 'h')
  redis.call('HDEL', P .. 's:' .. digest, 'p:' .. ARGV[3])
  for _, grant in ipairs(handle and redis.call('SMEMBERS', P .. 'w:' .. handle) or {}) do
    if redis.call('HGET', P .. 'g:' .. grant, 'c') == ARGV[3] then redis.call('DEL', P .. 'g:' .. grant) end
  end
end
return gone
""",
)
