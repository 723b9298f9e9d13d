interface Page {
  notifications: { id: string; topic: string; type: string; time: string; data: unknown }[];
  cursor: string;
  gap?: { reason: string };
}

/** The server has refused the request with 400, 401 or 403: a retry does not help. */
export class Refused extends Error {}

/**
 * Long-polls until the signal aborts. The cursor is kept after every error, so each notification is
 * received once.
 */
export async function poll(url: string, onPage: (page: Page) => void, signal: AbortSignal): Promise<void> {
  // The first request only gets the current cursor, so it does not wait.
  let position = 'wait=0';
  for (let failures = 0; !signal.aborted;) {
    try {
      const response = await fetch(`${url}&${position}`, { signal });
      if (response.ok) {
        const page = (await response.json()) as Page;
        position = `cursor=${page.cursor}`;
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
