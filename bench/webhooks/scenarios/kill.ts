import pg from 'pg';
import { appPid } from '../../transfers/processes.js';
import { received, type Arrival, type WebhookBench } from '../webhook-bench.js';

const DISPATCHER = 'webhook-dispatcher';
const RESTART_SECONDS_MAX = 60;
const POLL_SECONDS = 0.01;

export interface KillResult {
  readonly kind: 'kill';
  readonly scenario: string;
  readonly receivedAtKill: number;
  /** Deliveries that the dispatcher had claimed, and whose end was not written, when it was killed. */
  readonly underWay: number;
  /** Until the supervisor had started a new dispatcher process. */
  readonly restartSecondsAfterKill: number;
  /** Until the last event had arrived; what had been posted later than the restart has its own time in it. */
  readonly lastSecondsAfterKill: number;
  readonly lastSecondsAfterRestart: number;
  readonly postingEndedSecondsAfterKill: number;
  readonly arrival: Arrival;
}

/** A burst of events, and the dispatcher is killed when half of them have been received. */
export async function measureKill(bench: WebhookBench): Promise<KillResult> {
  const { killEvents, arrivalSeconds } = bench.settings;
  const names = ['endpoint-0'];
  return await bench.withEndpoints(names, async (positionBefore) => {
    const pid = await appPid(bench.product.pid, DISPATCHER);
    if (pid === undefined) throw new Error('There is no dispatcher process to kill.');
    const postgres = new pg.Client({ connectionString: bench.product.postgresUrl });
    await postgres.connect();
    const load = bench.post({ events: killEvents });
    const posted = load.untilExhausted().then(() => Date.now());
    try {
      const atKill = await bench.untilReceived(names, killEvents / 2, arrivalSeconds);
      process.kill(pid, 'SIGKILL');
      const killedAt = Date.now();
      const underWay = await countUnderWay(postgres);
      const restartedAt = await untilRestarted(bench, pid);
      const postingEndedAt = await posted;
      const arrival = await bench.arrival(names, positionBefore, [load.take()]);
      return {
        kind: 'kill',
        scenario: 'kill',
        receivedAtKill: received(atKill, names),
        underWay,
        restartSecondsAfterKill: (restartedAt - killedAt) / 1000,
        lastSecondsAfterKill: (arrival.lastNewAt - killedAt) / 1000,
        lastSecondsAfterRestart: (arrival.lastNewAt - restartedAt) / 1000,
        postingEndedSecondsAfterKill: (postingEndedAt - killedAt) / 1000,
        arrival,
      };
    } finally {
      load.abort();
      await postgres.end();
    }
  });
}

async function countUnderWay(postgres: pg.Client): Promise<number> {
  const { rows } = await postgres.query<{ count: number }>(
    `SELECT count(*)::integer AS count FROM dispatcher.deliveries WHERE status = 'delivering'`,
  );
  return rows[0]?.count ?? 0;
}

async function untilRestarted(bench: WebhookBench, killedPid: number): Promise<number> {
  for (const deadline = Date.now() + RESTART_SECONDS_MAX * 1000; Date.now() < deadline;) {
    const pid = await appPid(bench.product.pid, DISPATCHER);
    if (pid !== undefined && pid !== killedPid) return Date.now();
    await bench.pause(POLL_SECONDS);
  }
  throw new Error(`The dispatcher was not started again within ${RESTART_SECONDS_MAX} s.`);
}
