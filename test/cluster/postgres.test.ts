import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { clusterSuite } from './suite.js';

const startPostgres = async () => {
  const engine = await PostgresEngine.start();
  return {
    env: { STORE: engine.url },
    crash: () => engine.restart(),
    hang: () => engine.freeze(),
    goOn: () => engine.thaw(),
    stop: () => engine.stop(),
  };
};

clusterSuite('PostgreSQL', startPostgres, postgresMissing());
