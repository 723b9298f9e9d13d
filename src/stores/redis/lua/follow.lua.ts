import { agreeLua } from './agree.lua.js';

/**
 * Reads the entries after a position, of all topics.
 *
 * KEYS and ARGV[1..9]: see `agree.lua.ts`
 * ARGV[10] after; ARGV[11] entries at most; ARGV[12] bytes of JSON after which to stop
 *
 * Returns the values of `answer`, then the position that the entries follow, and the position up to
 * which they are complete. The first position is above `after` if retention has removed entries. A
 * flat list follows: position, id, topic, json and its bytes.
 */
export const followLua = `${agreeLua}
-- The number of entries in one fetch. A small number keeps a page of large entries near its limit
-- of bytes.
local SLICE = 32

local log = agree()
local from, entries_max, bytes_max = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
if from < log.trimmed then from = log.trimmed end
local upto = log.head
if from > upto then from = upto end

local entries, count, bytes, last = {}, 0, 0, from
while last < upto and count < entries_max and bytes < bytes_max do
  local some = redis.call('XRANGE', LOG, '(' .. text(last) .. '-0', text(upto) .. '-0', 'COUNT', SLICE)
  for _, entry in ipairs(some) do
    if count >= entries_max or (count > 0 and bytes >= bytes_max) then break end
    last = position_of(entry)
    local json, at = entry[2][JSON], #entries
    count, bytes = count + 1, bytes + #json
    entries[at + 1], entries[at + 2], entries[at + 3] = last, entry[2][ID], entry[2][TOPIC]
    entries[at + 4], entries[at + 5] = json, #json
  end
  if #some < SLICE then
    if #some == 0 or last == position_of(some[#some]) then last = upto end
    break
  end
end
return answer(log, from, last, entries)
`;
