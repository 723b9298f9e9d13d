/**
 * Removes what retention does not keep, oldest first, from the log and from the indexes of its topics. Used by the
 * scripts that append and trim, which say how many entries it may look at.
 *
 * `keep`: count, ms, bytes. Of the state it reads and writes `trimmed`, `bytes` and `oldest` (when the oldest entry was
 * appended, 0 if there is none).
 */
export const retentionLua = `
-- Entries are fetched in slices, so that what is looked at in vain stays small.
local SLICE = 16

local function trim(log, now, keep, entries_max)
  local m = redis.call('HMGET', META, 'bytes', 'oldest')
  local bytes, oldest = tonumber(m[1] or 0), tonumber(m[2] or 0)
  local count = redis.call('XLEN', LOG)
  local last, removed, topics = nil, 0, {}
  local function exceeds()
    return count > 0 and (count > keep.count or bytes > keep.bytes or oldest + keep.ms <= now)
  end
  while removed < entries_max and exceeds() do
    local from = last and '(' .. text(last) .. '-0' or '-'
    local entries = redis.call('XRANGE', LOG, from, '+', 'COUNT', math.min(SLICE, entries_max - removed))
    if #entries == 0 then break end
    for _, entry in ipairs(entries) do
      oldest = tonumber(entry[2][TIME])
      if not exceeds() then break end
      last = position_of(entry)
      removed, count, bytes = removed + 1, count - 1, bytes - #entry[2][JSON]
      topics[entry[2][TOPIC]] = last
    end
  end
  if not last then return 0 end
  if count == 0 then oldest = 0 end
  redis.call('XTRIM', LOG, 'MINID', text(last + 1) .. '-0')
  log.trimmed = last
  redis.call('HSET', META, 'trimmed', text(last), 'bytes', text(bytes), 'oldest', text(oldest))
  redis.call('ZREMRANGEBYSCORE', HOLES, '-inf', text(last))
  -- Last, and whatever becomes of it: what an index holds up to trimmed is not read.
  for topic, position in pairs(topics) do
    redis.pcall('ZREMRANGEBYSCORE', base .. 't:' .. topic, '-inf', text(position))
  end
  return removed
end
`;
