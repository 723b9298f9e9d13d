import { ENGINES } from '../support/engines/shared.js';
import { clusterSuite } from './suite.js';

clusterSuite(ENGINES.postgres);
