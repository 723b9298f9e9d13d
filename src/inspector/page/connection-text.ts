import { age } from './formats.js';
import { readable } from './names.js';
import type { Connection } from './poller.js';
import type { RequestFailure } from './request.js';

/** The text of the pill in the header. */
export function shortTextOf(connection: Connection): string {
  if (connection.state !== 'failed') return SHORT[connection.state];
  const { reason } = connection.failure;
  return reason === 'signed_out' || reason === 'forbidden' ? 'No access' : 'Not connected';
}

const SHORT = { connecting: 'Connecting', live: 'Live', paused: 'Paused' } as const;

/** The text of the banner. Undefined if the page needs no banner. */
export function bannerTextOf(connection: Connection): string | undefined {
  if (connection.state !== 'failed') return undefined;
  const { failure, retryMs } = connection;
  return `${failureTextOf(failure)} The page retries in ${age(Math.max(1_000, retryMs))}.`;
}

/** The reason why a request has failed, as a sentence. */
export function failureTextOf(failure: RequestFailure): string {
  const { reason, status } = failure;
  switch (reason) {
    case 'unreachable':
      return 'The server cannot be reached.';
    case 'signed_out':
      return 'You are not signed in. Sign in and reload this page.';
    case 'forbidden':
      return 'You have no permission to use the inspector.';
    case 'busy':
      return `The server is busy (status ${status ?? 503}).`;
    case 'rejected': {
      const detail = failure.message === '' ? '' : `: ${readable(failure.message)}`;
      return `The server has rejected the request (status ${status ?? 400})${detail}.`;
    }
    case 'invalid':
      return 'The answer is not a report of the inspector. Sign in again, or reload this page.';
  }
}
