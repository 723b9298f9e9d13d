import { useEffect, useState } from 'react';
import type { Role } from '../../shared/api.js';
import { describe } from '../../shared/notifications.js';
import { useOrderFeed } from './use-order-feed.js';

const TOAST_MS = 6_000;
const TOASTS_MAX = 3;

interface ToastsProps {
  readonly role: Role;
  /** Notifications after this time are new to the page. */
  readonly since: string;
}

/** The newest notifications, for some seconds. Screen readers announce them. */
export function Toasts({ role, since }: ToastsProps) {
  const { notifications } = useOrderFeed();
  const [hiddenUpTo, hide] = useState(since);
  const shown = notifications.filter(({ time }) => time > hiddenUpTo).slice(-TOASTS_MAX);
  const newest = shown.at(-1)?.time;
  useEffect(() => {
    if (newest === undefined) return undefined;
    const timer = setTimeout(() => {
      hide(newest);
    }, TOAST_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [newest]);
  return (
    <div className="toasts" role="status">
      {shown.map((notification) => (
        <p key={notification.id}>{describe(notification, role)}</p>
      ))}
    </div>
  );
}
