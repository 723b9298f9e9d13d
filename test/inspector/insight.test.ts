import { expect, test } from '@jest/globals';
import { Insight } from '../../src/nest/explaining/insight.js';
import { DeliveryRecorder } from '../../src/inspector/recording/delivery-recorder.js';
import { ManualClock } from '../../src/testing/index.js';

test('the end of one recorder keeps the records of another one', () => {
  const insight = new Insight();
  const [first, second] = [1, 2].map(() => new DeliveryRecorder(new ManualClock(), 1_024));
  const endFirst = insight.useDeliveries(first!);
  const endSecond = insight.useDeliveries(second!);
  endFirst();
  expect(insight.deliveries).toBe(second);
  endSecond();
  expect(insight.deliveries).toBeUndefined();
});
