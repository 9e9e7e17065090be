import { descendantsOf, runsApp, type RunningProcess } from './processes.js';

export interface CpuSeconds {
  /** The ledger, and what starts and watches over the apps. */
  readonly ledger: number;
  readonly dispatcher: number;
  readonly postgres: number;
  /** Of Kafka, where the product has started it. */
  readonly broker: number;
  readonly generator: number;
}

/**
 * CPU time used so far by the product that was started as process `pid`, and by this process. Backends of
 * Postgres that have ended are in their parent's account. Undefined where there is no /proc.
 */
export async function cpuSeconds(pid: number | undefined): Promise<CpuSeconds | undefined> {
  if (pid === undefined || process.platform !== 'linux') return undefined;
  const processes = await descendantsOf(pid);
  const total = (isWanted: (each: RunningProcess) => boolean): number =>
    processes.reduce((sum, each) => (isWanted(each) ? sum + each.cpuSeconds : sum), 0);
  const isPostgres = ({ name }: RunningProcess): boolean => name === 'postgres';
  const isDispatcher = (each: RunningProcess): boolean => runsApp(each, 'webhook-dispatcher');
  const isBroker = ({ command }: RunningProcess): boolean => command.includes(' kafka.Kafka ');
  const { user, system } = process.cpuUsage();
  return {
    postgres: total(isPostgres),
    dispatcher: total(isDispatcher),
    broker: total(isBroker),
    ledger: total((each) => !isPostgres(each) && !isDispatcher(each) && !isBroker(each)),
    generator: (user + system) / 1e6,
  };
}

export function difference(
  before: CpuSeconds | undefined,
  after: CpuSeconds | undefined,
): CpuSeconds | undefined {
  if (before === undefined || after === undefined) return undefined;
  return {
    ledger: after.ledger - before.ledger,
    dispatcher: after.dispatcher - before.dispatcher,
    postgres: after.postgres - before.postgres,
    broker: after.broker - before.broker,
    generator: after.generator - before.generator,
  };
}
