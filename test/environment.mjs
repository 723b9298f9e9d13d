import { TestEnvironment } from 'jest-environment-node';

/**
 * The kinds of resources that application code can leave open. Jest itself opens and closes others
 * (pipes to its workers, files).
 */
const WATCHED = ['Timeout', 'TCPServerWrap', 'TCPSocketWrap', 'UDPWrap', 'ProcessWrap', 'MessagePort', 'FSEventWrap'];

/** Closing a socket takes a few turns of the event loop; a leak stays. */
const GRACE_MS = 2_000;
const POLL_MS = 20;

/**
 * Fails a suite that ends with more timers, sockets, servers or child processes than it began with.
 *
 * Jest alone does not: it kills its workers with their open resources, and the run passes.
 */
export default class LeakCheckingEnvironment extends TestEnvironment {
  async setup() {
    await super.setup();
    this.before = countOpen();
  }

  async handleTestEvent(event) {
    if (event.name === 'test_done' && event.test.errors.length > 0) this.failed = true;
    // After the last afterAll hook. An error here fails the suite and would hide an earlier
    // failure, so that is reported first.
    if (event.name !== 'run_finish' || this.failed) return;
    const deadline = Date.now() + GRACE_MS;
    while (this.leaks().length > 0) {
      if (Date.now() > deadline) throw new Error(`This suite left open: ${this.leaks().join(', ')}.`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  leaks() {
    const now = countOpen();
    return WATCHED.filter((type) => now[type] > this.before[type]).map(
      (type) => `${now[type] - this.before[type]} ${type}`,
    );
  }
}

function countOpen() {
  const open = process.getActiveResourcesInfo();
  return Object.fromEntries(WATCHED.map((type) => [type, open.filter((other) => other === type).length]));
}
