"""Steps about codes and tokens: each is good once, and everything of one code dies together."""

from typing import Final

from sso.stores.scripts import MARGIN_SECONDS, scripted

# code, grant id, grant, client, handle, seconds
ISSUE: Final = scripted("issue", "return issue(ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7]))")

# code, client, redirect URI, challenge, key or "", key that it is bound to from now on or "", access, terms,
# token seconds, refresh or "", refresh seconds
REDEEM: Final = scripted(
    "redeem",
    f"""
local code = P .. 'k:' .. ARGV[2]
local m = redis.call('HMGET', code, 'g', 'c', 'u')
if not m[1] then return {{'unknown'}} end
local grant = P .. 'g:' .. m[1]
if m[3] == '1' then
  redis.call('DEL', grant)
  return {{'replayed', m[1], m[2]}}
end
-- Used up first, looked at afterwards: a code that was shown to the wrong party is worth nothing any more.
redis.call('HSET', code, 'u', '1')
if m[2] ~= ARGV[3] then
  redis.call('DEL', grant)
  return {{'unknown'}}
end
local value = redis.call('HGET', grant, 'v')
if not value then return {{'unknown'}} end
raise_ttl(code, {MARGIN_SECONDS})
local readable, asked = pcall(cjson.decode, value)
if not readable or type(asked) ~= 'table' or type(asked.scopes) ~= 'table' then return {{'unknown'}} end
local jkt = asked.jkt or ''
if asked.redirect_uri ~= ARGV[4] or asked.code_challenge ~= ARGV[5] or (jkt ~= '' and jkt ~= ARGV[6]) then
  return {{'unfit', value}}
end
if jkt ~= ARGV[7] then redis.call('HSET', grant, 'j', ARGV[7]) end
local refresh = ''
for _, scope in ipairs(asked.scopes) do
  if scope == 'offline_access' then refresh = ARGV[11] end
end
keep(m[1], ARGV[8], ARGV[9], tonumber(ARGV[10]), refresh, tonumber(ARGV[12]))
return {{'redeemed', value}}
""",
)

# refresh, client, successor, access or "", terms, token seconds, now, refresh seconds, grace
ROTATE: Final = scripted(
    "rotate",
    """
local now, grace = tonumber(ARGV[8]), tonumber(ARGV[10])
local r = redis.call('HMGET', P .. 'r:' .. ARGV[2], 'g', 'n')
if not r[1] then return {'unknown'} end
local grant = P .. 'g:' .. r[1]
local m = redis.call('HMGET', grant, 'v', 'c', 'n', 't', 'j')
if not m[1] then return {'unknown'} end
if m[2] ~= ARGV[3] then
  redis.call('DEL', grant)
  return {'unknown'}
end
local mine, generation, repeated = tonumber(r[2]), tonumber(m[3]), '0'
if mine == generation then
  redis.call('HSET', grant, 'n', generation + 1, 't', now)
elseif mine == generation - 1 and now - tonumber(m[4]) <= grace then
  repeated = '1'
else
  redis.call('DEL', grant)
  return {'replayed', r[1], m[2]}
end
keep(r[1], ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[4], tonumber(ARGV[9]))
return {'rotated', repeated, m[1], m[5]}
""",
)

# access
ACCESS: Final = scripted(
    "access_token",
    """
local value = redis.call('GET', P .. 'a:' .. ARGV[2])
local cut = value and string.find(value, '\\n', 1, true)
local m = cut and redis.call('HMGET', P .. 'g:' .. string.sub(value, 1, cut - 1), 'v', 'j')
if not m or not m[1] then return false end
return {string.sub(value, cut + 1), m[1], m[2]}
""",
    must_last=False,
)

# refresh, now, grace
REFRESH_GRANT: Final = scripted(
    "refresh_grant",
    """
local r = redis.call('HMGET', P .. 'r:' .. ARGV[2], 'g', 'n')
if not r[1] then return false end
local m = redis.call('HMGET', P .. 'g:' .. r[1], 'v', 'j', 'n', 't')
if not m[1] then return false end
local mine, generation, grace = tonumber(r[2]), tonumber(m[3]), tonumber(ARGV[4])
if mine == generation then return {m[1], m[2]} end
if grace > 0 and mine == generation - 1 and tonumber(ARGV[3]) - tonumber(m[4]) <= grace then return {m[1], m[2]} end
return false
""",
    must_last=False,
)

# token, client
REVOKE_TOKEN: Final = scripted(
    "revoke_token",
    """
local function of_client(grant) return redis.call('HGET', P .. 'g:' .. grant, 'c') == ARGV[3] end
local value = redis.call('GET', P .. 'a:' .. ARGV[2])
local cut = value and string.find(value, '\\n', 1, true)
if cut and of_client(string.sub(value, 1, cut - 1)) then redis.call('DEL', P .. 'a:' .. ARGV[2]) end
local grant = redis.call('HGET', P .. 'r:' .. ARGV[2], 'g')
if grant and of_client(grant) then redis.call('DEL', P .. 'g:' .. grant, P .. 'r:' .. ARGV[2]) end
return 1
""",
)

# grant
REVOKE_GRANT: Final = scripted("revoke_grant", "return redis.call('DEL', P .. 'g:' .. ARGV[2])")
