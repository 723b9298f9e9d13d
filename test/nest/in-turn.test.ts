import { expect, test } from '@jest/globals';
import { InTurn } from '../../src/nest/publishing/in-turn.js';

interface Task {
  readonly result: Promise<unknown>;
  end(error?: Error): void;
}

/** Starts a task that records its start. The test ends it. */
function begin(inTurn: InTurn, keys: readonly string[], started: string[]): Task {
  let end: Task['end'] = () => undefined;
  const gate = new Promise<void>((resolve, reject) => {
    end = (error) => {
      if (error) reject(error);
      else resolve();
    };
  });
  const result = inTurn.run(keys, () => {
    started.push(keys.join());
    return gate;
  });
  return {
    result,
    end: (error) => {
      end(error);
    },
  };
}

test('tasks that share a key run in the order of their calls; others overlap', async () => {
  const inTurn = new InTurn();
  const started: string[] = [];
  const [ab, b, c, cb] = [['a', 'b'], ['b'], ['c'], ['c', 'b']].map((keys) => begin(inTurn, keys, started));
  await new Promise(setImmediate);
  expect(started).toEqual(['a,b', 'c']);
  ab!.end();
  await ab!.result;
  await new Promise(setImmediate);
  expect(started).toEqual(['a,b', 'c', 'b']);
  c!.end();
  b!.end();
  await Promise.all([b!.result, c!.result]);
  cb!.end();
  await cb!.result;
  expect(inTurn.size).toBe(0);
});

test('a failed task does not block the next one, and a task may name a key twice', async () => {
  const inTurn = new InTurn();
  const started: string[] = [];
  const first = begin(inTurn, ['a', 'a'], started);
  const second = begin(inTurn, ['a'], started);
  first.end(new Error('failed'));
  await expect(first.result).rejects.toThrow('failed');
  second.end();
  await second.result;
  expect(started).toEqual(['a,a', 'a']);
  expect(inTurn.size).toBe(0);
});
