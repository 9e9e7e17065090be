import { Counter, Gauge, type Registry } from 'prom-client';

export interface ExpiryMetrics {
  readonly expired: Counter;
  readonly failures: Counter;
  readonly overdue: Gauge;
  readonly oldestSeconds: Gauge;
}

export function expiryMetrics(registry: Registry): ExpiryMetrics {
  const registers = [registry];
  return {
    expired: new Counter({
      name: 'ledger_expired_holds_total',
      help: 'Holds that this process has released because their time had come',
      registers,
    }),
    failures: new Counter({
      name: 'ledger_expiry_failures_total',
      help: 'Expiries of holds that failed and will be tried again',
      registers,
    }),
    overdue: new Gauge({
      name: 'ledger_overdue_holds',
      help: 'Holds whose time has come and that are still to be released, up to 10,000',
      registers,
    }),
    oldestSeconds: new Gauge({
      name: 'ledger_overdue_hold_seconds_max',
      help: 'How long the hold that is overdue longest has been so',
      registers,
    }),
  };
}
