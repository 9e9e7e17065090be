import { faultRun, reportFigures } from '../support/fault-run.js';
import { PublishingFaults } from '../support/publishing-faults.js';

const { rounds } = faultRun();

let publishing: PublishingFaults;

beforeAll(async () => {
  publishing = await PublishingFaults.start();
}, 120_000);

afterAll(() => publishing.stop(), 60_000);

test(
  'kill -9 of the publisher between acknowledgement and checkpoint: each time one batch comes again, and nothing is lost',
  async () => {
    reportFigures('kill publisher', await publishing.killPublishers(rounds));
  },
  120_000 + rounds * 60_000,
);
