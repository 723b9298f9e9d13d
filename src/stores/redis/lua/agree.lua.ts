/**
 * Stands in front of every script: looks whether the log is still the one that the node knows, and if not makes a new
 * epoch, in the same atomic step, so that all nodes agree on one.
 *
 * Evidence that it is not: there is no epoch (wiped, or the first start); the log is missing; its head is below a
 * position that the node has seen; another append stands at that position; or the engine is back at an earlier epoch.
 *
 * KEYS[1] `meta`: hash, the state of the log (its name ends with `meta`, the others are made from what precedes that)
 * KEYS[2] `log`: stream of the entries; the id is `<position>-0`
 * KEYS[3] `holes`: sorted set, `<from> <to>` by `to`: no position between the two was given to anything
 * KEYS[4], KEYS[5] `ids:0`, `ids:1`: hashes from id to position, the two generations of the idempotency window
 * (The topics' sorted sets of positions, `t:<topic>`, are not listed: which of them retention reaches is known only
 * inside. They share the hash tag, so they are always in reach.)
 *
 * ARGV[1..4] what the node knows: count of epochs so far, epoch id, a position, the token of the append at it
 * ARGV[5..6] id and secret of a new epoch, should one be needed
 *
 * Field order of an entry in the stream: id, topic, json, time (ms), token of its append.
 */
export const agreeLua = `
local base = string.sub(KEYS[1], 1, -5)
local META, LOG, HOLES = KEYS[1], KEYS[2], KEYS[3]
local ID, TOPIC, JSON, TIME, TOKEN = 2, 4, 6, 8, 10

local function text(number)
  return string.format('%.0f', number)
end

local function position_of(entry)
  return tonumber(string.match(entry[1], '^%d+'))
end

local function entry_at(position)
  local id = text(position) .. '-0'
  return redis.call('XRANGE', LOG, id, id)[1]
end

-- Whether the log still holds what the node has seen at the position it knows.
local function remembers(log, era, epoch, position, token)
  if log.era < era then return false end
  if log.era > era or log.epoch ~= epoch or position == 0 then return true end
  if log.head < position then return false end
  if log.head == position then return log.token == token end
  if position <= log.trimmed then return true end
  local entry = entry_at(position)
  return entry ~= nil and entry[2][TOKEN] == token
end

-- Begins a new epoch.
local function renew(log)
  log.era = math.max(log.era, tonumber(ARGV[1])) + 1
  log.epoch, log.secret = ARGV[5], ARGV[6]
  redis.call('HSET', META, 'era', text(log.era), 'epoch', log.epoch, 'secret', log.secret,
    'head', text(log.head), 'token', log.token, 'trimmed', text(log.trimmed))
  redis.call('PUBLISH', base .. 'wake', '')
end

local function agree()
  local m = redis.call('HMGET', META, 'era', 'epoch', 'secret', 'head', 'token', 'trimmed')
  local log = {
    era = tonumber(m[1] or 0), epoch = m[2], secret = m[3],
    head = tonumber(m[4] or 0), token = m[5] or '', trimmed = tonumber(m[6] or 0),
  }
  local era = tonumber(ARGV[1])
  local exists = redis.call('EXISTS', LOG) == 1
  local whole = log.epoch and (exists or log.head == log.trimmed)
  if whole and remembers(log, era, ARGV[2], tonumber(ARGV[3]), ARGV[4]) then return log end
  if not log.epoch and exists then
    -- The state alone is lost. Positions go on from the log's last one, and nothing before it counts any more.
    local info = redis.call('XINFO', 'STREAM', LOG)
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then log.head = tonumber(string.match(info[i + 1], '^%d+')) end
    end
  end
  if not whole then
    log.trimmed = log.head
    redis.call('HSET', META, 'bytes', '0', 'oldest', '0', 'records', '0', 'recordbytes', '0')
    redis.call('UNLINK', LOG, KEYS[4], KEYS[5])
  end
  renew(log)
  return log
end

-- The first part of every answer, and then what the script adds.
local function answer(log, ...)
  return { log.era, log.epoch, log.secret, log.head, log.token, log.trimmed, ... }
end

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The first hole that ends after a position.
local function hole_after(position)
  local hole = redis.call('ZRANGEBYSCORE', HOLES, '(' .. text(position), '+inf', 'LIMIT', 0, 1)[1]
  if not hole then return nil end
  local from, to = string.match(hole, '^(%d+) (%d+)$')
  return { from = tonumber(from), to = tonumber(to) }
end
`;
