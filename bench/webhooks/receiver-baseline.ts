import { setTimeout as sleep } from 'node:timers/promises';
import { Load, type Tally } from '../transfers/load.js';
import type { ReceiverProcess } from './receiver-process.js';

const BODY_BYTES = 1_000;

/** How many requests of one size the receiver answers from our own load generator, with nobody between. */
export async function receiverBaseline(
  receiver: ReceiverProcess,
  connections: number,
  seconds: number,
): Promise<Tally> {
  const url = receiver.url('baseline');
  const body = `{"occurredAt":"2026-01-01T00:00:00.000000Z","data":"`.padEnd(BODY_BYTES - 2, 'x') + '"}';
  const request =
    'POST /baseline HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nwebhook-id: evt_baseline\r\n' +
    `Content-Length: ${body.length}\r\n\r\n${body}`;
  const load = new Load(url, connections, { next: () => request }, 204);
  await sleep(500);
  load.take();
  await sleep(seconds * 1000);
  const tally = load.take();
  await load.finish();
  return tally;
}
