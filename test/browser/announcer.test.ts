import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Announcer } from '../../src/demo/assets/announcer.js';

describe('Announcer', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('announces the messages of a second together, and only the last one of each subject', () => {
    const said: string[] = [];
    const place = {
      set textContent(text: string) {
        said.push(text);
      },
    } as unknown as HTMLElement;
    const announcer = new Announcer(place);
    announcer.say('bell', '1 unread.');
    jest.advanceTimersByTime(400);
    announcer.say('state', 'Live.');
    announcer.say('bell', '2 unread.');
    jest.advanceTimersByTime(599);
    expect(said).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(said).toEqual(['2 unread. Live.']);

    announcer.say('bell', '3 unread.');
    jest.advanceTimersByTime(1_000);
    expect(said).toEqual(['2 unread. Live.', '3 unread.']);
    expect(jest.getTimerCount()).toBe(0);
  });
});
