import { redisScript } from '../../clients/redis.ts';

/**
 * Stores metas in their order and publishes them. A stored SUCCESS stays; its state stands first in a JSON meta, and the same words inside a result do not count.
 * KEYS one for each meta · ARGV life in ms (0 for ever), states that may be replaced (",A,B,"; "" for all but SUCCESS), and the metas.
 * With a life of "" each meta is followed by its own two: most batches share them, and half the arguments are half the work.
 */
export const save = redisScript(`
local life, over, own = ARGV[1], ARGV[2], ARGV[1] == ''
for i, key in ipairs(KEYS) do
  local meta, stored = ARGV[2 + i], nil
  if own then meta, life, over = ARGV[3 * i], ARGV[3 * i + 1], ARGV[3 * i + 2] end
  if life == '0' then stored = redis.call('SET', key, meta, 'NX') else stored = redis.call('SET', key, meta, 'PX', life, 'NX') end
  if not stored then
    local state = string.match(redis.call('GET', key) or '', '^{"status": ?"([^"]*)"') or ''
    if over == '' then stored = state ~= 'SUCCESS' else stored = string.find(over, ',' .. state .. ',', 1, true) end
    if stored then
      if life == '0' then redis.call('SET', key, meta) else redis.call('SET', key, meta, 'PX', life) end
    end
  end
  if stored then redis.call('PUBLISH', key, meta) end
end
return #KEYS`);

/**
 * One part of a chord (celery-5.7.md 4): recorded once for each task and index; who brings the last one claims the chord in the same step.
 * KEYS parts, extra, size, seen, group, claim · ARGV task id, part, "1" if ordered, index, chord's life in s, group's life in s, claim's life in s, token
 * One task may stand at two places of a header with one result: as equal members of a set the two would be one, so the second gets a space at its end.
 * Gives count, extra, size, whether the claim is ours, and how many ms another's has left. A count of -1: the chord is done.
 */
export const arrive = redisScript(`
local parts, extra, size, seen, group, claim = unpack(KEYS)
if redis.call('GET', claim) == 'done' then return {-1, 0, 0, 0, 0} end
if redis.call('SADD', seen, ARGV[1] .. ':' .. ARGV[4]) == 1 then
  if ARGV[3] == '1' then
    local part = ARGV[2]
    local index = redis.call('ZSCORE', parts, part)
    while index and tonumber(index) ~= tonumber(ARGV[4]) do
      part = part .. ' '
      index = redis.call('ZSCORE', parts, part)
    end
    if not index then redis.call('ZADD', parts, ARGV[4], part) end
  else redis.call('RPUSH', parts, ARGV[2]) end
end
local count = redis.call(ARGV[3] == '1' and 'ZCARD' or 'LLEN', parts)
if tonumber(ARGV[5]) > 0 then
  for _, key in ipairs({parts, extra, size, seen}) do redis.call('EXPIRE', key, ARGV[5]) end
  if tonumber(ARGV[6]) > 0 then redis.call('EXPIRE', group, ARGV[6]) end
end
local more, whole, claimed, left = redis.call('GET', extra) or 0, redis.call('GET', size), 0, 0
if whole and count == whole + more then
  if redis.call('SET', claim, ARGV[8], 'NX', 'EX', ARGV[7]) or redis.call('GET', claim) == ARGV[8] then claimed = 1
  else left = redis.call('PTTL', claim) end
end
return {count, more, whole or -1, claimed, left}`);

/** Keeps a claim that is ours, or takes it again when it has lapsed and the chord is still open. KEYS claim, size · ARGV token, s */
export const extend = redisScript(`
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then return redis.call('EXPIRE', KEYS[1], ARGV[2]) end
if not holder and redis.call('EXISTS', KEYS[2]) == 1 then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) return 1 end
return 0`);

/** Ends a chord that is ours: its parts go, and for a while it is remembered that it is done. KEYS claim, parts, extra, size, seen, deadlines, bodies · ARGV token, s, group id */
export const finish = redisScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
redis.call('SET', KEYS[1], 'done', 'EX', ARGV[2])
redis.call('ZREM', KEYS[6], ARGV[3])
redis.call('HDEL', KEYS[7], ARGV[3])
return 1`);

/**
 * Takes one overdue chord off the list, unless somebody is starting its body. If it was still open, it is done from now on, and we get its body, its size and the parts seen. KEYS deadlines, bodies, claim, parts, extra, size, seen · ARGV group id, s, now
 */
export const takeOverdue = redisScript(`
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not due or tonumber(due) > tonumber(ARGV[3]) then return false end
local claim = redis.call('GET', KEYS[3])
if claim and claim ~= 'done' then return false end
local body = redis.call('HGET', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
local size = redis.call('GET', KEYS[6])
if not size or not body or claim == 'done' then return false end
local taken = {body, size + (redis.call('GET', KEYS[5]) or 0)}
for _, part in ipairs(redis.call('SMEMBERS', KEYS[7])) do table.insert(taken, part) end
redis.call('DEL', KEYS[4], KEYS[5], KEYS[6], KEYS[7])
redis.call('SET', KEYS[3], 'done', 'EX', ARGV[2])
return taken`);
