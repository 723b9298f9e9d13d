/**
 * Loaded into a node before everything else (`node --import`): the wall clock of that process jumps
 * to the next of the offsets in CLOCK_JUMPS_MS, round and round, at every SIGUSR2. The monotonic
 * clock stays what it is.
 */
const offsets = (process.env.CLOCK_JUMPS_MS ?? '').split(',').map(Number);
const RealDate = Date;
let turn = 0;
let offsetMs = 0;

const now = () => RealDate.now() + offsetMs;

class JumpingDate extends RealDate {
  constructor(...values) {
    super(...(values.length === 0 ? [now()] : values));
  }

  static now() {
    return now();
  }
}

Object.defineProperty(JumpingDate, 'name', { value: 'Date' });
Object.assign(globalThis, { Date: JumpingDate });

process.on('SIGUSR2', () => {
  offsetMs = offsets[turn++ % offsets.length];
});
