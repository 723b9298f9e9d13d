import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CablePanel } from '../../src/demo/assets/cables.js';
import type { Ledger } from '../../src/demo/assets/ledger.js';

/** The elements of the page that a panel without lanes uses. */
const element = () => ({ dataset: {} as Record<string, string>, addEventListener: () => undefined });

/** A ledger whose verdict is this. */
const ledger = (kind: 'same' | 'behind') =>
  ({ verdict: () => ({ kind, matched: 1, readers: [], told: 0 }), latest: () => [] }) as unknown as Ledger;

describe('CablePanel', () => {
  const elements = new Map<string, ReturnType<typeof element>>();
  let panel: CablePanel;

  const shown = () => elements.get('cables')!.dataset.verdict;

  beforeEach(() => {
    jest.useFakeTimers();
    const getElementById = (id: string) => {
      if (!elements.has(id)) elements.set(id, element());
      return elements.get(id);
    };
    Object.assign(globalThis, { document: { getElementById } });
    panel = new CablePanel({ names: [], announcer: { say: () => undefined }, onPull: () => undefined });
    panel.show(ledger('same'));
  });

  afterEach(() => {
    Reflect.deleteProperty(globalThis, 'document');
    elements.clear();
    jest.useRealTimers();
  });

  it('shows a reader as lagging while notifications arrive every 250 ms', () => {
    panel.show(ledger('behind'));
    jest.advanceTimersByTime(250);
    panel.show(ledger('behind'));
    jest.advanceTimersByTime(49);
    expect(shown()).toBe('same');
    jest.advanceTimersByTime(1);
    expect(shown()).toBe('behind');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not show a short lag', () => {
    panel.show(ledger('behind'));
    jest.advanceTimersByTime(250);
    panel.show(ledger('same'));
    panel.show(ledger('behind'));
    jest.advanceTimersByTime(250);
    panel.show(ledger('same'));
    expect(shown()).toBe('same');
    expect(jest.getTimerCount()).toBe(0);
  });
});
