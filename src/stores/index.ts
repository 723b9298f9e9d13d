/** The module for authors of store drivers: the contract, and helpers that every driver needs. */
export { abilitiesOf, checkClaim } from '../core/abilities.js';
export type { StoreAbilities, StoreAbility } from '../core/abilities.js';
export type { Clock, Timer } from '../core/clock.js';
export { NotificationsError } from '../core/errors.js';
export type { ErrorCode } from '../core/errors.js';
export { logEntry } from '../core/notification.js';
export type { Draft, LogEntry } from '../core/notification.js';
export { PAST_EPOCHS_MAX } from '../core/store.js';
export type { Removed, RemoveQuery } from '../core/removal.js';
export type { Retention } from '../core/retention.js';
export type {
  Appended,
  AppendResult,
  ClaimStore,
  Epoch,
  HistoryQuery,
  IdLookup,
  PageBounds,
  PastEpoch,
  PatternIndex,
  ReadQuery,
  ReadResult,
  Store,
  StoreFactory,
  StoreLogger,
  StoreRuntime,
  Tail,
  TailBatch,
} from '../core/store.js';
