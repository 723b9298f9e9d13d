interface Page {
  notifications: { id: string; topic: string; type: string; time: string; data: unknown }[];
  cursor: string;
  gap?: { reason: string };
}

/** The server has refused for a reason that time does not mend: 400, 401, 403. */
export class Refused extends Error {}

/**
 * Long-polls until the signal aborts. The cursor outlives every error, so nothing is missed and
 * nothing comes twice.
 */
export async function poll(url: string, onPage: (page: Page) => void, signal: AbortSignal): Promise<void> {
  // The first answer says where the feed is now, so it is not waited for.
  let place = 'wait=0';
  for (let failures = 0; !signal.aborted;) {
    try {
      const response = await fetch(`${url}&${place}`, { signal });
      if (response.ok) {
        const page = (await response.json()) as Page;
        place = `cursor=${page.cursor}`;
        failures = 0;
        onPage(page);
      } else if (response.status === 429 || response.status >= 500) {
        await pause(Number(response.headers.get('retry-after') ?? 5) * 1000, signal);
      } else {
        throw new Refused(await response.text());
      }
    } catch (error) {
      if (error instanceof Refused) throw error;
      failures += 1;
      await pause(Math.random() * Math.min(30_000, 250 * 2 ** failures), signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal.aborted) done();
    else signal.addEventListener('abort', done);
  });
}
