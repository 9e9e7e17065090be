import { withOwnBroker } from '../support/kafka.js';
import { faultRun, reportFigures } from '../support/fault-run.js';
import { PublishingFaults } from '../support/publishing-faults.js';

const { isShort } = faultRun();
const awaySeconds = isShort ? 5 : 60;

let publishing: PublishingFaults;

beforeAll(async () => {
  publishing = await PublishingFaults.start();
}, 120_000);

afterAll(() => publishing.stop(), 60_000);

withOwnBroker(
  'the broker is away: posting goes on as before, and all of it is published and delivered when it is back',
  async () => {
    reportFigures('broker down', await publishing.stopBroker(awaySeconds));
  },
  240_000 + 2_000 * awaySeconds,
);
