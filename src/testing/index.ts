/** The testing kit: a clock to move, and the contract that store drivers have to keep. */
export type { StoreCheck, StoreContractOptions } from './contract/bench.js';
export { ManualClock, type ManualClockOptions } from './manual-clock.js';
export { storeContract } from './store-contract.js';
