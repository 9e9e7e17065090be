import { withOwnBroker } from '../support/kafka.js';
import { faultRun, reportFigures } from '../support/fault-run.js';
import { PublishingFaults } from '../support/publishing-faults.js';

const { rounds } = faultRun();

let publishing: PublishingFaults;

beforeAll(async () => {
  publishing = await PublishingFaults.start();
}, 120_000);

afterAll(() => publishing.stop(), 60_000);

withOwnBroker(
  'acknowledgements get lost and what they acknowledge is kept: nothing is lost',
  async () => {
    reportFigures('ack lost', await publishing.loseAcknowledgements(rounds));
  },
  120_000 + rounds * 60_000,
);
