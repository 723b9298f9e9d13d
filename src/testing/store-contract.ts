import { appendChecks } from './contract/append.js';
import { Bench, type Checks, type StoreCheck, type StoreContractOptions } from './contract/bench.js';
import { abilityChecks, claimChecks, claimNodesChecks, claimTrimChecks } from './contract/claim.js';
import { historyChecks, historyRetentionChecks } from './contract/history.js';
import { lifecycleChecks } from './contract/lifecycle.js';
import { lookupChecks, lookupNodesChecks } from './contract/lookup.js';
import { modelChecks } from './contract/model.js';
import { nodesChecks } from './contract/nodes.js';
import { patternChecks, patternNodesChecks, patternRetentionChecks } from './contract/patterns.js';
import { readChecks } from './contract/read.js';
import { removeChecks, removePatternChecks } from './contract/remove.js';
import { removeNodesChecks, removeRetentionChecks } from './contract/remove-nodes.js';
import { retentionChecks } from './contract/retention.js';
import { tailChecks } from './contract/tail.js';

/**
 * The tests that every store driver has to pass. They check each sentence of the documentation of
 * `Store`. They run in any test runner, without sleeps: each wait ends with its condition, or
 * fails after `timeoutMs`.
 *
 * ```ts
 * for (const check of storeContract({ open: () => openMyStore() })) test(check.name, check.run);
 * ```
 *
 * Two rules cannot be checked from outside, and need the driver's own tests. A log survives its
 * engine's restart. A lost connection to the engine is reported within a bounded time.
 */
export function storeContract(options: StoreContractOptions): readonly StoreCheck[] {
  const { trim, openAnother, abilities = [] } = options;
  const [claims, looksUp] = [abilities.includes('claim'), abilities.includes('positionsOf')];
  const hasPatterns = abilities.includes('indexPatterns');
  const trimOptions = trim && { ...options, open: trim.open };
  return [
    ...checksOf(
      options,
      appendChecks,
      readChecks,
      historyChecks,
      tailChecks,
      removeChecks,
      lifecycleChecks,
      modelChecks,
      abilityChecks,
    ),
    ...(claims ? checksOf(options, claimChecks) : []),
    ...(looksUp ? checksOf(options, lookupChecks) : []),
    ...(hasPatterns ? checksOf(options, patternChecks, removePatternChecks) : []),
    ...(trimOptions ? checksOf(trimOptions, retentionChecks, historyRetentionChecks, removeRetentionChecks) : []),
    ...(trimOptions && claims ? checksOf(trimOptions, claimTrimChecks) : []),
    ...(trimOptions && hasPatterns ? checksOf(trimOptions, patternRetentionChecks) : []),
    ...(openAnother ? checksOf(options, nodesChecks, removeNodesChecks) : []),
    ...(openAnother && claims ? checksOf(options, claimNodesChecks) : []),
    ...(openAnother && looksUp ? checksOf(options, lookupNodesChecks) : []),
    ...(openAnother && hasPatterns ? checksOf(options, patternNodesChecks) : []),
  ];
}

function checksOf(options: StoreContractOptions, ...parts: readonly Checks[]): StoreCheck[] {
  return parts
    .flatMap((checks) => Object.entries(checks))
    .map(([name, check]) => ({ name, run: () => Bench.run(check, options) }));
}
