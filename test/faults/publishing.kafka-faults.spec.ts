import { faultRun, reportFigures } from '../support/fault-run.js';
import { withOwnBroker } from '../support/kafka.js';
import { PublishingFaults } from '../support/publishing-faults.js';

const { isShort, rounds } = faultRun();
/** Each takes the time after which the server ends a silent session. */
const freezes = isShort ? 1 : Math.ceil(rounds / 4);
const awaySeconds = isShort ? 4 : 60;

let publishing: PublishingFaults;

beforeAll(async () => {
  publishing = await PublishingFaults.start();
}, 120_000);

afterAll(() => publishing.stop(), 60_000);

test(
  'kill -9 of the publisher between acknowledgement and checkpoint: one batch comes again, and nothing is lost',
  async () => {
    reportFigures('kill publisher', await publishing.killPublishers(rounds));
  },
  120_000 + rounds * 60_000,
);

withOwnBroker(
  'acknowledgements get lost and what they acknowledge is kept: nothing is lost',
  async () => {
    reportFigures('ack lost', await publishing.loseAcknowledgements(rounds));
  },
  120_000 + rounds * 60_000,
);

withOwnBroker(
  'the broker is away: posting goes on as before, and all of it is published and delivered when it is back',
  async () => {
    reportFigures('broker down', await publishing.stopBroker(awaySeconds));
  },
  240_000 + 2_000 * awaySeconds,
);

test(
  'a publisher is frozen until another has taken over: the checkpoint that it saves when it wakes is refused',
  async () => {
    reportFigures('two publishers', await publishing.freezePublishers(freezes));
  },
  120_000 + freezes * 120_000,
);
