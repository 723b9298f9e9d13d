const { check } = require('./check.cjs');

check(require('nest-notifications-client/package.json').exports, require);
