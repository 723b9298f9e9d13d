/**
 * Reads orders in a browser. Returns a function that ends it.
 *
 * @param {{
 *   show: (notification: { id: string, topic: string, type: string, data: unknown }) => void,
 *   refetch: () => void,
 *   stopped: () => void,
 * }} view
 */
export function readOrders({ show, refetch, stopped }) {
  const source = new EventSource('/notifications?topic=orders');
  source.onmessage = ({ data }) => show(JSON.parse(data));
  // Some notifications can no longer be read: fetch the state again.
  source.addEventListener('gap', refetch);
  // The browser reconnects by itself, except after 400, 401 or 403.
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) stopped();
  };
  return () => source.close();
}
