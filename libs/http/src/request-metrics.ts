import { collectDefaultMetrics, Counter, Histogram, type Registry } from 'prom-client';

export interface RequestMetrics {
  readonly observe: (method: string, route: string, status: number, seconds: number) => void;
  readonly countError: (code: string) => void;
}

export function requestMetrics(registry: Registry): RequestMetrics {
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const seconds = new Histogram({
    name: 'http_request_seconds',
    help: 'Time from the first byte of a request to the end of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const errors = new Counter({
    name: 'http_errors_total',
    help: 'Answers that are errors, by their code',
    labelNames: ['code'],
    registers,
  });
  const bySeries = new Map<string, { observe(value: number): void }>();
  return {
    observe: (method, route, status, elapsed) => {
      const name = `${method} ${status} ${route}`;
      const series = bySeries.get(name) ?? seconds.labels(method, route, String(status));
      bySeries.set(name, series);
      series.observe(elapsed);
    },
    countError: (code) => errors.inc({ code }),
  };
}
