/**
 * Runs `work` with a signal that fires after `ms` milliseconds, or when `outer` does; then the reason is thrown: a
 * `TimeoutError`, or that of `outer`, whatever `work` made of it. When the work has ended, nothing is left of it:
 * `AbortSignal.timeout` keeps a call that took milliseconds in memory for the minutes that it could have taken, and
 * `AbortSignal.any` leaves one more follower with a signal that lives as long as the process.
 */
export async function withDeadline<T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  outer?.throwIfAborted();
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new DOMException("the time for it is over", "TimeoutError"));
  }, ms);
  const follow = (): void => {
    controller.abort(outer?.reason);
  };
  outer?.addEventListener("abort", follow);
  try {
    return await work(controller.signal);
  } catch (error) {
    // Node's HTTP client says that it was aborted, and hides the reason in the cause.
    controller.signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", follow);
  }
}
