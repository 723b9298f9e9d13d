/**
 * Forgets ids. The ids are in two hashes: the current generation takes new ids, and the older one
 * is only read. An id is remembered for the age of one generation at least, and of two at most.
 * Forgetting a generation takes one UNLINK. The last tokens of the nodes are forgotten then too:
 * most of those nodes may have ended.
 *
 * The UNLINK comes first: an engine without free memory accepts it, and all later writes of the
 * script. Otherwise such an engine would reject every trim, and would stay full.
 */
export const generationsLua = `
local function forget_nodes()
  for _, name in ipairs(redis.call('HKEYS', META)) do
    if string.sub(name, 1, 5) == 'node:' then redis.call('HDEL', META, name) end
  end
end

-- Returns the hash that takes new ids.
local function turn_generation(now, ms, count)
  local m = redis.call('HMGET', META, 'generation', 'since')
  local generation, since = tonumber(m[1] or 0), tonumber(m[2] or 0)
  local ids, older = KEYS[3 + generation], KEYS[4 - generation]
  local size = redis.call('HLEN', ids)
  if now - since < ms and size < count then return ids end
  if size == 0 and redis.call('EXISTS', older) == 0 and since > 0 then return ids end
  redis.call('UNLINK', older)
  redis.call('HSET', META, 'generation', text(1 - generation), 'since', text(now))
  forget_nodes()
  return older
end
`;
