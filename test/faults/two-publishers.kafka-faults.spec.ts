import { faultRun, reportFigures } from '../support/fault-run.js';
import { PublishingFaults } from '../support/publishing-faults.js';

const { isShort, rounds } = faultRun();
/** Each takes the time after which the server ends a silent session. */
const freezes = isShort ? 1 : Math.ceil(rounds / 4);

let publishing: PublishingFaults;

beforeAll(async () => {
  publishing = await PublishingFaults.start();
}, 120_000);

afterAll(() => publishing.stop(), 60_000);

test(
  'a publisher is frozen until another has taken over: the checkpoint that it saves when it wakes is refused',
  async () => {
    reportFigures('two publishers', await publishing.freezePublishers(freezes));
  },
  120_000 + freezes * 120_000,
);
