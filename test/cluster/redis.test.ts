import { RedisEngine, redisMissing } from '../support/engines/redis.js';
import { clusterSuite } from './suite.js';

const startRedis = async () => {
  // Anything less loses what was acknowledged when the engine is killed; that is what redis-loss.test.ts is about.
  const engine = await RedisEngine.start({ appendonly: 'always' });
  return {
    env: { STORE: `redis://127.0.0.1:${engine.port}` },
    crash: () => engine.restart(),
    hang: () => engine.freeze(),
    goOn: () => engine.thaw(),
    stop: () => engine.stop(),
  };
};

clusterSuite('Redis', startRedis, redisMissing());
