import { renderTopicMessages, topics, type JournalRecord, type TopicMessage } from '#contracts';
import { postedRecord, uuid } from '../../../../test/support/journal-records.js';
import { renderBatch } from './render-batch.js';

const headers = {} as TopicMessage['headers'];
const limits = { eventsMax: 4, bytesPerTopicMax: 1_000 };

function record(ledgerId: string, position: number, dataText = ''): JournalRecord {
  return {
    ledgerId,
    epoch: 1,
    position: String(position),
    id: `${ledgerId}-${position}`,
    type: 'transaction.posted',
    version: 1,
    transactionId: null,
    dataText,
    recordedAt: '2026-01-01T00:00:00.000000Z',
    hash: '00',
  };
}

/** `poison` can't be rendered; any other text is the value. */
function render({ id, dataText }: JournalRecord): TopicMessage[] {
  if (dataText === 'poison') throw new Error('it is not known');
  return [{ topic: topics.events, key: id, headers, value: dataText ?? '' }];
}

const keysOf = (sends: readonly (readonly TopicMessage[])[]) => sends.flat().map(({ key }) => key);

describe('a batch', () => {
  it('holds the events of many ledgers in order, and says what is true once it is acknowledged', () => {
    const unpublished = [
      { ledgerId: 'a', after: 6n, records: [record('a', 7), record('a', 8)] },
      { ledgerId: 'b', after: 0n, records: [record('b', 1)] },
      { ledgerId: 'none', after: 3n, records: [] },
      { ledgerId: 'new', after: null, records: [] },
    ];
    expect(renderBatch(unpublished, render, limits)).toEqual({
      sends: [['a-7', 'a-8', 'b-1'].map((key) => ({ topic: topics.events, key, headers, value: '' }))],
      events: 3,
      moves: [
        { ledgerId: 'a', from: 6n, to: { epoch: 1, position: 8n }, parkedReason: null },
        { ledgerId: 'b', from: 0n, to: { epoch: 1, position: 1n }, parkedReason: null },
      ],
      unfinished: [],
    });
  });

  it('ends where it is full, and names the ledgers that have more', () => {
    const records = [1, 2, 3].map((position) => record('a', position));
    const unpublished = [
      { ledgerId: 'a', after: 0n, records },
      { ledgerId: 'b', after: 0n, records: [record('b', 1), record('b', 2)] },
      { ledgerId: 'c', after: 0n, records: [record('c', 1)] },
    ];
    const batch = renderBatch(unpublished, render, limits);
    expect(keysOf(batch.sends)).toEqual(['a-1', 'a-2', 'a-3', 'b-1']);
    expect(batch.moves.map(({ ledgerId, to }) => [ledgerId, to?.position])).toEqual([
      ['a', 3n],
      ['b', 1n],
    ]);
    expect(batch.unfinished).toEqual(['b', 'c']);
  });

  it('ends before a topic gets more bytes than a broker takes', () => {
    const records = [1, 2, 3].map((position) => record('a', position, 'x'.repeat(400)));
    const batch = renderBatch([{ ledgerId: 'a', after: 0n, records }], render, limits);
    expect(keysOf(batch.sends)).toEqual(['a-1', 'a-2']);
    expect(batch.unfinished).toEqual(['a']);
  });

  it('passes over none that finds no room, however small those behind it are', () => {
    const records = ['x'.repeat(400), 'x'.repeat(600), ''].map((text, n) => record('a', n + 1, text));
    const others = { ledgerId: 'b', after: 4n, records: [record('b', 5)] };
    const batch = renderBatch([{ ledgerId: 'a', after: 0n, records }, others], render, limits);
    expect(keysOf(batch.sends)).toEqual(['a-1', 'b-5']);
    expect(batch.moves[0]).toMatchObject({ ledgerId: 'a', to: { position: 1n }, parkedReason: null });
    expect(batch.unfinished).toEqual(['a']);
  });

  it.each([
    ['can not be rendered', 'poison', /event 2 \(transaction\.posted version 1\): it is not known/],
    ['is larger than a broker takes', 'é'.repeat(600), /event 2 .* a message of 12\d\d bytes/],
  ])('holds what is before an event that %s, which parks its ledger', (_, text, reason) => {
    const records = [record('a', 1), record('a', 2, text), record('a', 3)];
    const others = { ledgerId: 'b', after: 4n, records: [record('b', 5)] };
    const batch = renderBatch([{ ledgerId: 'a', after: 0n, records }, others], render, limits);
    expect(keysOf(batch.sends)).toEqual(['a-1', 'b-5']);
    expect(batch.moves[0]).toEqual({
      ledgerId: 'a',
      from: 0n,
      to: { epoch: 1, position: 1n },
      parkedReason: expect.stringMatching(reason),
    });
    expect(batch.unfinished).toEqual([]);
  });

  it('is sent in parts where one event has more messages than a send takes', () => {
    const renderFour = ({ id, dataText }: JournalRecord) =>
      ['.1', '.2', '.3', '.4'].map((leg) => ({
        topic: topics.entries,
        key: id + leg,
        headers,
        value: dataText ?? '',
      }));
    const records = [record('a', 1, 'x'.repeat(400)), record('a', 2)];
    const batch = renderBatch([{ ledgerId: 'a', after: 0n, records }], renderFour, limits);
    expect(batch.sends.map((messages) => keysOf([messages]))).toEqual([
      ['a-1.1', 'a-1.2'],
      ['a-1.3', 'a-1.4'],
    ]);
    expect(batch).toMatchObject({ events: 1, unfinished: ['a'] });
  });

  it('holds an event of the most postings with the longest texts', () => {
    const side = (number: number) => ({ accountId: uuid(number), posted: `-${'9'.repeat(36)}` });
    const postings = [...Array(200).keys()].map((n) => ({
      ...{ sender: side(2 * n), recipient: side(2 * n + 1), amount: '9'.repeat(36) },
      currency: 'X'.repeat(32),
    }));
    const largest = postedRecord(postings, { reference: '\u0001'.repeat(256) });
    const { sends, moves } = renderBatch(
      [{ ledgerId: largest.ledgerId, after: 16n, records: [largest] }],
      renderTopicMessages,
      { eventsMax: 1, bytesPerTopicMax: 900_000 },
    );
    expect(sends.length).toBeGreaterThan(1);
    expect(keysOf(sends)).toEqual(renderTopicMessages(largest).map(({ key }) => key));
    expect(moves).toMatchObject([{ to: { position: 17n }, parkedReason: null }]);
  });

  it('only parks where the first event is the one', () => {
    const batch = renderBatch(
      [{ ledgerId: 'a', after: 0n, records: [record('a', 1, 'poison')] }],
      render,
      limits,
    );
    expect([batch.events, batch.moves[0]]).toEqual([0, expect.objectContaining({ from: 0n, to: null })]);
  });
});
