/** The testing kit: a clock that tests move, and the tests of the contract for store drivers. */
export type { StoreCheck, StoreContractOptions } from './contract/bench.js';
export { ManualClock, type ManualClockOptions } from './manual-clock.js';
export { storeContract } from './store-contract.js';
