import { RESERVED_TOPIC_PREFIX } from '../../../core/revocation.js';
import { UNLISTED_CODE } from '../errors.js';

/**
 * The declared patterns of the log. The field `patterns` of the state has a line for each: its name
 * and the position after which it is indexed. The one that was declared longest ago is first. The
 * index of a pattern is a sorted set, like the index of a topic: `t:<pattern>`. No topic can have
 * the name of a pattern.
 */
export const patternsLua = `
-- Whether a topic is one of the library's own records.
local function is_record(topic)
  return string.sub(topic, 1, 1) == '${RESERVED_TOPIC_PREFIX}'
end

local function patterns_of(lines)
  local patterns = {}
  for name, since in string.gmatch(lines or '', '(%S+) (%d+)') do
    patterns[#patterns + 1] = { name = name, prefix = string.sub(name, 1, -2), since = tonumber(since) }
  end
  return patterns
end

local function covers(pattern, topic)
  return string.sub(topic, 1, #pattern.prefix) == pattern.prefix and not is_record(topic)
end

-- Rejects the call if a pattern covers one of the topics and its index is not among the keys. While
-- a slot moves, the engine rejects a call whose keys have not arrived. A key that is not listed
-- would look empty there. The script would create a new index, and the arriving index would replace
-- it.
local function check_listed(patterns, topics)
  local listed, names = {}, {}
  for at = 5, #KEYS do listed[KEYS[at]] = true end
  for at, pattern in ipairs(patterns) do names[at] = pattern.name end
  for _, pattern in ipairs(patterns) do
    if not listed[base .. 't:' .. pattern.name] then
      for topic in pairs(topics) do
        if covers(pattern, topic) then error({ err = '${UNLISTED_CODE} ' .. table.concat(names, ' ') }) end
      end
    end
  end
end
`;
