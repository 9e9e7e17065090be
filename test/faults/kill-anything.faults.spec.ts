import { faultRun, reportFigures } from '../support/fault-run.js';
import type { Fleet } from '../support/fleet.js';
import { killAnything, startWholeFleet } from '../support/kill-anything.js';

const { rounds } = faultRun();

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startWholeFleet({ withKafka: false });
}, 120_000);

afterAll(() => fleet.stop(), 60_000);

test(
  'after kill -9 of the ledger, its worker and dispatchers: journal = deliveries = receiver log',
  async () => {
    reportFigures('kill anything', await killAnything(fleet, rounds));
  },
  120_000 + rounds * 90_000,
);
