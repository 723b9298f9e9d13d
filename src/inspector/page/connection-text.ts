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
  const retry = retryMs === undefined ? 'The page is paused.' : `The page retries in ${age(Math.max(1_000, retryMs))}.`;
  return `${failureTextOf(failure)} ${retry}`;
}

/** The message of the server, or else the reason why a request has failed. */
export function answerTextOf(failure: RequestFailure): string {
  return failure.message === '' ? failureTextOf(failure) : readable(failure.message);
}

/** The reason why a request has failed, as a sentence. */
function failureTextOf(failure: RequestFailure): string {
  const { reason, status, message } = failure;
  switch (reason) {
    case 'unreachable':
      return 'The server cannot be reached.';
    case 'signed_out':
      return 'You are not signed in. Sign in and reload this page.';
    case 'forbidden':
      return 'You have no permission to use the inspector.';
    case 'rejected': {
      const detail = message === '' ? '' : `: ${readable(message.replace(/\.$/, ''))}`;
      return `The server has rejected the request (status ${status ?? 400})${detail}.`;
    }
    case 'page_failed':
      return 'The page cannot show the answer. The console of the browser has the error.';
    case 'invalid':
      return 'The answer is not a report of the inspector. Sign in again, or reload this page.';
  }
}
