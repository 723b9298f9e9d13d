/**
 * Reads the state of the log's engine. A script reaches the owner of the log's slot in a
 * Cluster; a plain INFO goes to any node.
 *
 * KEYS[1] `meta`
 */
export const inspectLua = `
return { redis.call('INFO', 'memory'), redis.call('INFO', 'replication'), redis.call('INFO', 'persistence') }
`;
