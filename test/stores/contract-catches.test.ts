import { describe, expect, test } from '@jest/globals';
import type { Store } from '../../src/core/store.js';
import type { MemoryStoreOptions } from '../../src/stores/memory/memory-store.js';
import { storeContract, type StoreContractOptions } from '../../src/testing/index.js';
import { inDepth } from '../support/depth.js';
import { claimFaults, lookupFaults } from '../support/faults/abilities.js';
import { appendFaults } from '../support/faults/append.js';
import { historyFaults } from '../support/faults/history.js';
import type { Fault, Faults } from '../support/faults/kit.js';
import { lifecycleFaults, retentionFaults } from '../support/faults/lifecycle.js';
import { nodesFaults } from '../support/faults/nodes.js';
import { patternFaults } from '../support/faults/patterns.js';
import { readFaults } from '../support/faults/read.js';
import { removeFaults } from '../support/faults/remove.js';
import { tailFaults } from '../support/faults/tail.js';
import { memoryNode, openMemoryStore } from '../support/memory.js';

const KEEP = 10;
/** Checks that break by waiting in vain need not wait for long; all others do not wait. */
const TIMEOUT_MS = 100;

const faults: readonly [string, Faults][] = [
  ['append', appendFaults],
  ['read', readFaults],
  ['history', historyFaults],
  ['tail', tailFaults],
  ['remove', removeFaults],
  ['lifecycle', lifecycleFaults],
  ['retention', retentionFaults],
  ['nodes', nodesFaults],
  ['claim', claimFaults],
  ['positionsOf', lookupFaults],
  ['index of patterns', patternFaults],
];
const names = storeContract(sharedMemory((store) => store)).map(({ name }) => name);
/** Every day, a fault runs against the check that must detect it; in depth, against all checks. */
const ranOn = (check: string): readonly string[] => inDepth([check], names);
const detecting = new Set<string>();

test('a memory store that several nodes share keeps the contract', async () => {
  expect(await findFailing((store) => store, names, 10_000)).toEqual([]);
});

describe.each(faults)('the contract catches a broken %s', (_, of) => {
  test.each(Object.entries(of))('%s', async (_name, [fault, check]) => {
    const failed = await findFailing(fault, ranOn(check));
    for (const name of failed) detecting.add(name);
    expect(failed).toContain(check);
  });
});

inDepth(test.skip, test)('every check of the contract detects at least one fault', () => {
  expect(names.filter((name) => !detecting.has(name))).toEqual([]);
});

/** The checks that a fault breaks, each on logs of its own. */
async function findFailing(
  fault: Fault,
  checks: readonly string[],
  timeoutMs = TIMEOUT_MS,
): Promise<readonly string[]> {
  const results = await Promise.allSettled(
    checks.map((name) => storeContract({ ...sharedMemory(fault), timeoutMs })[names.indexOf(name)]!.run()),
  );
  return checks.filter((_, index) => results[index]!.status === 'rejected');
}

/** Real memory stores, each shared by several nodes, and broken. */
function sharedMemory(fault: Fault): StoreContractOptions {
  let log: Promise<Store>;
  let nodes: Store[] = [];
  const openAnother = async (): Promise<Store> => {
    const node = memoryNode(await log);
    const broken = fault(node, [...nodes]);
    nodes.push(node);
    return broken;
  };
  const open = (options?: MemoryStoreOptions): Promise<Store> => {
    log = openMemoryStore(options);
    nodes = [];
    return openAnother();
  };
  return {
    open: () => open(),
    openAnother,
    abilities: ['claim', 'positionsOf', 'indexPatterns'],
    trim: { open: () => open({ retainCount: KEEP }), keep: KEEP },
  };
}
