/** Aborted when somebody wants us to end; the program then ends what it has started, in order. */
export function stopOnSignals(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort());
  process.stdout.on('error', () => stop.abort());
  stop.signal.addEventListener('abort', () => {
    process.exitCode = 1;
    process.stderr.write('Stopping …\n');
  });
  return stop.signal;
}
