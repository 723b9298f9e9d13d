/** Reports an error as an uncaught error, so that the feed continues. */
export function callSafely(task: () => void): void {
  try {
    task();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
