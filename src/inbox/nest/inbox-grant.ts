import type { GrantedRead } from '../../nest/access/granted.js';
import type { InboxCaller, InboxListRequest } from './inbox.js';
import type { InboxMode } from './inbox-request.js';
import type { InboxTopics } from './inbox-topics.js';
import type { OperationRequest } from './operation-request.js';

/** A read that the guard has allowed. */
export interface GrantedInboxRead {
  readonly subscriber: string;
  readonly mode: InboxMode;
  readonly list: InboxListRequest;
  /** The read of the live feed. Its topics include the topic of the subscriber's records. */
  readonly read: GrantedRead;
  readonly topics: InboxTopics;
}

/** An operation that the guard has allowed. */
export interface GrantedOperation {
  readonly subscriber: string;
  readonly request: OperationRequest;
  readonly caller: InboxCaller;
}

const reads = new WeakMap<object, GrantedInboxRead>();
const operations = new WeakMap<object, GrantedOperation>();

export function storeRead(request: object, read: GrantedInboxRead): void {
  reads.set(request, read);
}

export function storeOperation(request: object, operation: GrantedOperation): void {
  operations.set(request, operation);
}

/** The read that the guard has stored. */
export function grantedInboxRead(request: object): GrantedInboxRead {
  return reads.get(request) ?? missing();
}

/** The operation that the guard has stored. */
export function grantedOperation(request: object): GrantedOperation {
  return operations.get(request) ?? missing();
}

function missing(): never {
  throw new Error('The guard of the inbox did not run.');
}
