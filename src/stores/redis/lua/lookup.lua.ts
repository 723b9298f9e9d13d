import { agreeLua } from './agree.lua.js';

/**
 * Finds the positions of ids in the idempotency window, as the script that appends does.
 *
 * KEYS and ARGV[1..9]: see `agree.lua.ts`
 * ARGV[10..] ids
 *
 * Returns the values of `answer`, then a list with a position for each id: 0 if it is not known.
 */
export const lookupLua = `${agreeLua}
local log = agree()
local positions = {}
for i = 10, #ARGV do
  local position = redis.call('HGET', KEYS[3], ARGV[i]) or redis.call('HGET', KEYS[4], ARGV[i])
  positions[#positions + 1] = tonumber(position or 0)
end
return answer(log, positions)
`;
