import { RECORD_BYTES_MAX, RECORDS_MAX } from '../../../core/records.js';

/**
 * Removes the entries that retention does not keep, oldest first, and their positions in the
 * indexes of topics and patterns. It needs `patterns.lua.ts`. The scripts that append and trim use
 * it. They limit the number of entries that it removes.
 *
 * `keep`: count, ms, bytes. `patterns`: the declared ones. It reads and writes these fields of the
 * state: `trimmed`, `bytes`, `oldest`, `records` and `recordbytes`. `oldest` is the time of the
 * oldest entry, 0 if there is none. The library's own records count only beyond a fixed allowance.
 */
export const retentionLua = `
-- Entries are fetched in slices, so that few unneeded entries are fetched.
local SLICE = 16
local RECORDS_MAX, RECORD_BYTES_MAX = ${RECORDS_MAX}, ${RECORD_BYTES_MAX}

local function trim(log, now, keep, entries_max, patterns)
  local m = redis.call('HMGET', META, 'bytes', 'oldest', 'records', 'recordbytes')
  local bytes, oldest = tonumber(m[1] or 0), tonumber(m[2] or 0)
  local records, record_bytes = tonumber(m[3] or 0), tonumber(m[4] or 0)
  local count = redis.call('XLEN', LOG)
  local last, removed, topics = nil, 0, {}
  local function exceeds()
    return count > 0 and (count - math.min(records, RECORDS_MAX) > keep.count
      or bytes - math.min(record_bytes, RECORD_BYTES_MAX) > keep.bytes or oldest + keep.ms <= now)
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
      if is_record(entry[2][TOPIC]) then
        records, record_bytes = records - 1, record_bytes - #entry[2][JSON]
      end
    end
  end
  if not last then return 0 end
  if count == 0 then oldest = 0 end
  redis.call('XTRIM', LOG, 'MINID', text(last + 1) .. '-0')
  log.trimmed = last
  redis.call('HSET', META, 'trimmed', text(last), 'bytes', text(bytes), 'oldest', text(oldest),
    'records', text(math.max(records, 0)), 'recordbytes', text(math.max(record_bytes, 0)))
  -- The indexes are trimmed last, and errors are ignored, because readers skip positions up to
  -- trimmed.
  for _, pattern in ipairs(patterns) do
    redis.pcall('ZREMRANGEBYSCORE', base .. 't:' .. pattern.name, '-inf', text(last))
  end
  for topic, position in pairs(topics) do
    redis.pcall('ZREMRANGEBYSCORE', base .. 't:' .. topic, '-inf', text(position))
  end
  return removed
end
`;
