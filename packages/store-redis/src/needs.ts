/**
 * Every command that scripts or the client send: the least that an ACL user has to be allowed, beyond those that none can be denied
 * (AUTH, HELLO, QUIT). `jobbers.acl` has the same.
 */
export const neededCommands = [
  "BLPOP",
  "DEL",
  "EVAL",
  "EVALSHA",
  "EXISTS",
  "GET",
  "HDEL",
  "HEXISTS",
  "HGET",
  "HGETALL",
  "HINCRBY",
  "HKEYS",
  "HLEN",
  "HMGET",
  "HRANDFIELD",
  "HSCAN",
  "HSET",
  "HSETNX",
  "HVALS",
  "INFO",
  "LINDEX",
  "LLEN",
  "LPOP",
  "LPOS",
  "LPUSH",
  "LRANGE",
  "LREM",
  "LSET",
  "LTRIM",
  "PEXPIRE",
  "PTTL",
  "RPUSH",
  "SADD",
  "SCARD",
  "SELECT",
  "SET",
  "SISMEMBER",
  "SMEMBERS",
  "SMISMEMBER",
  "SPOP",
  "SRANDMEMBER",
  "SREM",
  "SSCAN",
  "TIME",
  "TYPE",
  "UNLINK",
  "WAIT",
  "XADD",
  "XRANGE",
  "XREVRANGE",
  "ZADD",
  "ZCARD",
  "ZCOUNT",
  "ZMSCORE",
  "ZPOPMAX",
  "ZRANGE",
  "ZRANGEBYLEX",
  "ZRANGEBYSCORE",
  "ZREM",
  "ZREMRANGEBYRANK",
  "ZREMRANGEBYSCORE",
  "ZSCAN",
  "ZSCORE",
] as const;

/** How the nodes of a cluster are asked who has the store. */
export const clusterCommands = ["CLUSTER|KEYSLOT", "CLUSTER|SLOTS"] as const;

/** What `jobbers doctor` and `jobbers fsck` need beyond them. */
export const inspectingCommands = ["HSCAN", "LINSERT", "LREM", "PTTL", "SCAN", "ZSCAN", "ZSCORE"] as const;

/** What `jobbers doctor` asks the server about itself and about its user. */
export const askingCommands = ["ACL|DRYRUN", "ACL|WHOAMI", "CONFIG|GET", "PING"] as const;
