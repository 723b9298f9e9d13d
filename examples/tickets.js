/**
 * Opens an event stream with a ticket, for a page that has a token and no cookies.
 *
 * @param {string} token
 * @param {(notification: { id: string, type: string, data: unknown }) => void} show
 */
export async function openWithTicket(token, show) {
  const response = await fetch('/notifications/tickets', {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
  });
  if (!response.ok) throw new Error(`no ticket: ${response.status}`);
  const { ticket } = await response.json();
  const source = new EventSource(`/notifications?ticket=${ticket}`);
  source.onmessage = ({ data }) => show(JSON.parse(data));
  // The ticket has expired: request the next one.
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) void openWithTicket(token, show);
  };
  return source;
}
