import { faultRun, reportFigures } from '../support/fault-run.js';
import type { Fleet } from '../support/fleet.js';
import { killAnything, startWholeFleet } from '../support/kill-anything.js';

const { rounds } = faultRun();

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startWholeFleet({ withKafka: true });
}, 120_000);

afterAll(() => fleet.stop(), 60_000);

test(
  'the same over Kafka: journal = topic = deliveries = receiver log',
  async () => {
    reportFigures('kill anything, over Kafka', await killAnything(fleet, rounds));
  },
  120_000 + rounds * 90_000,
);
