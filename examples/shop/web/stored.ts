import { useCallback, useSyncExternalStore } from 'react';

/** Values that could not be stored, for browsers whose storage is blocked or full. */
const fallback = new Map<string, string>();
const changes = new EventTarget();

/** A text in the browser's storage. It survives a reload, and all tabs have the same value. */
export function useStored(key: string): [string | undefined, (value: string) => void] {
  const value = useSyncExternalStore(subscribe, () => read(key));
  const set = useCallback(
    (next: string) => {
      write(key, next);
    },
    [key],
  );
  return [value, set];
}

function subscribe(changed: () => void): () => void {
  window.addEventListener('storage', changed);
  changes.addEventListener('changed', changed);
  return () => {
    window.removeEventListener('storage', changed);
    changes.removeEventListener('changed', changed);
  };
}

function read(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? fallback.get(key);
  } catch {
    return fallback.get(key);
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    fallback.set(key, value);
  }
  changes.dispatchEvent(new Event('changed'));
}
