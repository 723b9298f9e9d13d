/** A request that failed, with a text for the user. */
export class ApiError extends Error {
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Emits `signed-out` when the server answers that there is no session. */
export const sessionEvents = new EventTarget();

/** Sends JSON and returns the JSON of the answer. Throws an ApiError. */
export async function request<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
  const response = await send(method, path, body);
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T;
  if (response.status === 401) sessionEvents.dispatchEvent(new Event('signed-out'));
  throw new ApiError(response.status, await messageIn(response));
}

/** The text of an error for the user. */
export function textOf(error: unknown): string {
  return error instanceof ApiError ? error.message : 'Something went wrong. Reload the page.';
}

async function send(method: string, path: string, body: unknown): Promise<Response> {
  try {
    const json = { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
    return await fetch(path, { method, ...(body === undefined ? {} : json) });
  } catch {
    const text = navigator.onLine ? 'The shop does not answer. Try again.' : 'You are offline. Try again later.';
    throw new ApiError(0, text);
  }
}

async function messageIn(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => undefined);
  const { message } = (body ?? {}) as { message?: unknown };
  if (response.status === 429) return 'Too many attempts. Wait a minute and try again.';
  if (Array.isArray(message)) return message.join('. ');
  return typeof message === 'string' ? message : `The shop answered with the status ${response.status}.`;
}
