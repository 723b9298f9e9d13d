/**
 * Loaded into a node first (`node --import`). At each SIGUSR2, the wall clock of the process jumps
 * to the next offset in CLOCK_JUMPS_MS. The first offset follows the last one. The monotonic clock
 * does not change.
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
