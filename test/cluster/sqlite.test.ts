import { ENGINES } from './engines.js';
import { clusterSuite } from './suite.js';

clusterSuite(ENGINES.sqlite);
