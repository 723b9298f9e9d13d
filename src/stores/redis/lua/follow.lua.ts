import { agreeLua } from './agree.lua.js';

/**
 * Reads what follows a position, of all topics.
 *
 * KEYS and ARGV[1..6]: see `agree.lua.ts`
 * ARGV[7] after; ARGV[8] entries at most; ARGV[9] bytes of JSON after which to stop
 *
 * Answers what `answer` gives, then: the position that the entries follow (above `after` where retention or a hole lies
 * between), the one up to which they are complete, and a flat list of position, id, topic, json and its bytes.
 */
export const followLua = `${agreeLua}
-- Entries fetched at once, so that a few large ones do not take much more than the bytes asked for.
local SLICE = 32

local log = agree()
local from, entries_max, bytes_max = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
if from < log.trimmed then from = log.trimmed end
local hole, upto = hole_after(from), log.head
if hole and from < hole.from then
  -- What precedes the hole first.
  upto = hole.from
elseif hole then
  from = hole.to
end
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
