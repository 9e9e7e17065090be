import type pg from 'pg';
import { decodeTypeId, eventIdOf } from '#contracts';
import type { StreamMessage } from './event-stream.js';
import { messageOf } from './journal-message.js';
import { recordOf, type EventRow } from './postgres-turn.js';

/**
 * A message that was kept aside because the release that read it could not render its event, as this release does. Any
 * other message, and one whose event is not in the journal, comes back as it is.
 */
export async function readAgain(db: pg.ClientBase, message: StreamMessage): Promise<StreamMessage> {
  const ledgerId = decodeTypeId('ldg', message.key);
  const { ce_id: id, ce_epoch: epoch = '', ce_position: position = '' } = message.headers;
  if (message.value !== null || ledgerId === null || !/^\d+$/.test(epoch) || !/^\d+$/.test(position))
    return message;
  const { rows } = await db.query<EventRow>({
    name: 'stream-read-again',
    text: `SELECT r.epoch, r.position::text, r.id, r.type, r.version, r.transaction_id, r.data_text, r.recorded_at, r.hash
      FROM stream.read_v1(
        json_build_array(json_build_object('ledgerId', $1::uuid, 'epoch', $2::integer, 'position', $3::bigint - 1)), 1
      ) r
      WHERE r.ledger_id = $1`,
    values: [ledgerId, epoch, position],
  });
  const [row] = rows;
  return row?.id && eventIdOf(row.id) === id ? messageOf(recordOf(ledgerId, row)) : message;
}
