import { PATTERNS_MAX } from '../../../core/patterns.js';
import { agreeLua } from './agree.lua.js';
import { patternsLua } from './patterns.lua.js';

/**
 * Declares patterns, as `afterDeclaration` of `core/patterns.ts` does. The index of a dropped
 * pattern is removed.
 *
 * - KEYS[1..4] and ARGV[1..9]: see `agree.lua.ts`.
 * - KEYS[5..] the indexes of the patterns.
 * - ARGV[10..] the patterns.
 *
 * Returns the values of `answer`.
 */
export const declareLua = `${agreeLua}${patternsLua}
local log = agree()
local known, since, declared = patterns_of(redis.call('HGET', META, 'patterns')), {}, {}
for i = 10, #ARGV do declared[ARGV[i]] = true end
local names = {}
for _, pattern in ipairs(known) do
  since[pattern.name] = pattern.since
  if not declared[pattern.name] then names[#names + 1] = pattern.name end
end
for i = 10, #ARGV do
  if declared[ARGV[i]] then names[#names + 1] = ARGV[i] end
  declared[ARGV[i]] = nil
end
local lines = {}
for at = math.max(1, #names - ${PATTERNS_MAX} + 1), #names do
  lines[#lines + 1] = names[at] .. ' ' .. text(since[names[at]] or log.head)
  since[names[at]] = nil
end
begin_writes()
redis.call('HSET', META, 'patterns', table.concat(lines, '\\n'))
for name in pairs(since) do redis.call('UNLINK', base .. 't:' .. name) end
return answer(log)
`;
