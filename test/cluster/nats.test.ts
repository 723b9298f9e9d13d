import { natsMissing, NatsServer } from '../support/engines/nats.js';
import { clusterSuite } from './suite.js';

const startNats = async () => {
  const engine = await NatsServer.start();
  return {
    env: { STORE: `nats://127.0.0.1:${engine.port}` },
    crash: () => engine.restart(),
    hang: () => engine.freeze(),
    goOn: () => engine.thaw(),
    stop: () => engine.stop(),
  };
};

clusterSuite('NATS JetStream', startNats, natsMissing());
